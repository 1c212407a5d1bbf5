//! The simulated engine under test, kept in a file as the command line keeps it.

use async_trait::async_trait;
use wharf::engine::Engine;
use wharf::engine::simulated::{Meddling, Script, Simulated};
use wharf::model::observed::Reading;
use wharf::model::{EngineId, Name, ObjectId};

use crate::fixture::Fixture;

pub(crate) struct SimulatedFixture {
    engine: Simulated,
    folder: tempfile::TempDir,
    site: Name,
    other_site: Name,
}

const IMAGE: &str = "localhost/wharf-busybox:1";

impl SimulatedFixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Simulated::open(&folder.path().join("engine.json")).unwrap();
        let image = EngineId("image-of-tests".to_owned());
        engine
            .edit(|state| state.images.insert(IMAGE.to_owned(), image))
            .unwrap();
        engine.edit(|state| state.closed_ports.insert(1)).unwrap();
        engine.edit(|state| state.memory = Some(4 << 30)).unwrap();
        Self {
            engine,
            folder,
            site: "contract".parse().unwrap(),
            other_site: "contract-other".parse().unwrap(),
        }
    }

    pub(crate) fn assert_used_well(&self) {
        assert_eq!(self.engine.state().unwrap().misuse, Vec::<String>::new());
    }
}

#[async_trait]
impl Fixture for SimulatedFixture {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    fn site(&self) -> &Name {
        &self.site
    }

    fn other_site(&self) -> &Name {
        &self.other_site
    }

    fn image(&self) -> &str {
        IMAGE
    }

    fn teach(&self, command: &str, exit_code: i32, stdout: &str, stderr: &str) {
        let script = Script {
            matches: command.to_owned(),
            exit_code,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            ..Script::default()
        };
        self.engine.edit(|state| state.scripts.push(script)).unwrap();
    }

    fn enforces_limits(&self) -> bool {
        true
    }

    async fn write(&self, container: &EngineId, path: &str, text: &str) {
        let write = |state: &mut wharf::engine::simulated::State| {
            let container = state
                .containers
                .values_mut()
                .find(|c| c.id == *container)
                .unwrap();
            assert!(container.run.is_running());
            match mount(container, path) {
                Some((volume, path)) => {
                    let files = &mut state.volumes.get_mut(&volume).unwrap().files;
                    files.insert(path, text.to_owned());
                }
                None => container.written += text.len() as u64,
            }
        };
        self.engine.edit(write).unwrap();
    }

    async fn read(&self, container: &EngineId, path: &str) -> Option<String> {
        let state = self.engine.state().unwrap();
        let container = state.containers.values().find(|c| c.id == *container).unwrap();
        assert!(container.run.is_running());
        let (volume, path) = mount(container, path)?;
        state.volumes[&volume].files.get(&path).cloned()
    }

    fn add_foreign(&self, object: &ObjectId) {
        self.engine.meddle(&Meddling::AddForeign(object.clone())).unwrap();
    }

    fn remove_by_hand(&self, object: &ObjectId) {
        self.engine.meddle(&Meddling::Remove(object.clone())).unwrap();
    }

    fn set_memory_by_hand(&self, container: &str, bytes: u64) {
        let mut enforced = self.engine.state().unwrap().containers[container]
            .enforced
            .unwrap();
        enforced.memory = Reading::Value(bytes);
        let container = container.to_owned();
        self.engine
            .meddle(&Meddling::SetEnforced { container, enforced })
            .unwrap();
    }

    fn absent(&self) -> Box<dyn Engine> {
        let path = self.folder.path().join("removed.json");
        let engine = Simulated::open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        Box::new(engine)
    }
}

/// The volume in which a container sees `path`, and the path there.
fn mount(container: &wharf::engine::simulated::Container, path: &str) -> Option<(String, String)> {
    let mounts = container.spec.mounts.iter();
    mounts
        .filter_map(|m| {
            Some((
                m.volume.clone(),
                path.strip_prefix(&m.path)?.strip_prefix('/')?.to_owned(),
            ))
        })
        .next()
}
