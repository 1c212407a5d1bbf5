//! Real Podman under test. What wharf itself can't do (somebody else's doings, the final removal) the podman client does.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use wharf::engine::address::{Address, Environment, find};
use wharf::engine::podman::Podman;
use wharf::engine::{Engine, ExecRequest};
use wharf::model::labels::SITE;
use wharf::model::{EngineId, Kind, Name, ObjectId};

use crate::client::{self, podman, try_podman};
use crate::fixture::Fixture;
use crate::labelled::remove_labelled;
use crate::machine::enforces_limits;
use crate::yard::finish;

/// The label of what these tests create as somebody else.
const FOREIGN: &str = "contract.foreign";

/// One test on Podman at a time within this process; nextest's group does it between processes.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct PodmanFixture {
    engine: Podman,
    socket: PathBuf,
    site: Name,
    other_site: Name,
    image: String,
}

impl PodmanFixture {
    pub(crate) fn new(test: &str) -> Self {
        let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let socket = match find(None, &Environment::of_process()).unwrap() {
            Address::Unix(path) => path,
            other @ Address::Simulated(_) => panic!("{other} is no Podman"),
        };
        // Without root the binary is its own helper; elsewhere than where it was built on a test machine.
        let helper = std::env::var_os("WHARF_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_wharf").into());
        let helper = PathBuf::from(helper);
        let hash = wharf::model::content_hash(format!("{test} {}", std::process::id()).as_bytes());
        let site = format!("{}-{}", variable("WHARF_TEST_SITE", "contract"), &hash[..8]);
        let fixture = Self {
            engine: Podman::connect(&socket).with_helper(helper),
            socket,
            other_site: format!("{site}-other").parse().unwrap(),
            site: site.parse().unwrap(),
            image: variable("WHARF_TEST_IMAGE", "localhost/wharf-busybox:1"),
        };
        // Asked once: the podman client takes seconds on an emulated machine.
        static IMAGE_IS_THERE: OnceLock<bool> = OnceLock::new();
        let image_is_there = || try_podman(&["image", "exists", &fixture.image]).is_ok();
        assert!(
            *IMAGE_IS_THERE.get_or_init(image_is_there),
            "these tests need Podman at {} and the image {}",
            fixture.socket.display(),
            fixture.image
        );
        fixture
    }

    async fn shell(&self, container: &EngineId, command: &str, input: Option<&str>) -> Option<String> {
        let request = ExecRequest {
            argv: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
            stdin: input.is_some(),
            ..ExecRequest::default()
        };
        let session = self.engine.exec(container, &request).await.unwrap();
        let done = finish(session, input.unwrap_or_default()).await;
        (done.exit_code == 0).then_some(done.stdout)
    }
}

impl Drop for PodmanFixture {
    fn drop(&mut self) {
        for site in [&self.site, &self.other_site] {
            remove_labelled(&format!("{SITE}={site}"));
        }
        remove_labelled(&format!("{FOREIGN}={}", self.site));
    }
}

#[async_trait]
impl Fixture for PodmanFixture {
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
        &self.image
    }

    fn teach(&self, _command: &str, _exit_code: i32, _stdout: &str, _stderr: &str) {}

    fn enforces_limits(&self) -> bool {
        enforces_limits()
    }

    async fn write(&self, container: &EngineId, path: &str, text: &str) {
        let written = self.shell(container, &format!("cat > {path}"), Some(text)).await;
        assert!(written.is_some(), "{path} is writable");
    }

    async fn read(&self, container: &EngineId, path: &str) -> Option<String> {
        self.shell(container, &format!("cat {path}"), None).await
    }

    fn add_foreign(&self, object: &ObjectId) {
        let label = format!("{FOREIGN}={}", self.site);
        let name = object.name.as_str();
        let arguments = match object.kind {
            Kind::Image => vec!["build", "--label", &label, "-t", name, "."],
            Kind::Network => vec!["network", "create", "--label", &label, name],
            Kind::Volume => vec!["volume", "create", "--label", &label, name],
            Kind::Pod => vec!["pod", "create", "--label", &label, "--name", name],
            Kind::Container => vec!["create", "--label", &label, "--name", name, &self.image],
        };
        podman(&arguments);
    }

    fn remove_by_hand(&self, object: &ObjectId) {
        let name = object.name.as_str();
        let arguments = match object.kind {
            Kind::Image => vec!["rmi", "-f", name],
            Kind::Network => vec!["network", "rm", "-f", name],
            Kind::Volume => vec!["volume", "rm", "-f", name],
            Kind::Pod => vec!["pod", "rm", "-f", "-t", "0", name],
            Kind::Container => vec!["rm", "-f", "-t", "0", name],
        };
        client::remove_by_hand(&arguments);
    }

    fn set_memory_by_hand(&self, container: &str, bytes: u64) {
        let bytes = bytes.to_string();
        podman(&["update", "--memory", &bytes, "--memory-swap", &bytes, container]);
    }

    fn absent(&self) -> Box<dyn Engine> {
        Box::new(Podman::connect(Path::new("/run/wharf-contract/nobody.sock")))
    }
}
