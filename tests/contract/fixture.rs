//! What a contract needs of an engine beside its trait.

use async_trait::async_trait;
use wharf::engine::Engine;
use wharf::model::{EngineId, Name, ObjectId};

/// An engine under test, and the world around it.
#[async_trait]
pub(crate) trait Fixture: Send + Sync {
    /// The engine.
    fn engine(&self) -> &dyn Engine;

    /// This test's own site.
    fn site(&self) -> &Name;

    /// Another site of this test's own.
    fn other_site(&self) -> &Name;

    /// The image that containers start from.
    fn image(&self) -> &str;

    /// What a command answers that contains `command`. Real engines run it and answer of themselves.
    fn teach(&self, command: &str, exit_code: i32, stdout: &str, stderr: &str);

    /// Whether limits can be enforced where the engine runs.
    fn enforces_limits(&self) -> bool;

    /// Writes a file in a running container.
    async fn write(&self, container: &EngineId, path: &str, text: &str);

    /// Reads a file in a running container, where it is there.
    async fn read(&self, container: &EngineId, path: &str) -> Option<String>;

    /// Creates an object that is not wharf's, behind its back.
    fn add_foreign(&self, object: &ObjectId);

    /// Removes an object by force, behind wharf's back.
    fn remove_by_hand(&self, object: &ObjectId);

    /// Changes a running container's memory limit behind wharf's back.
    fn set_memory_by_hand(&self, container: &str, bytes: u64);

    /// An engine of the same kind at an address where nothing answers.
    fn absent(&self) -> Box<dyn Engine>;
}

/// Runs a contract.
pub(crate) fn block_on(contract: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(contract);
}
