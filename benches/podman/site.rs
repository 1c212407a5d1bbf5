//! A site of many small workspaces: its repository, its plan, and the binary at work on it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wharf::document::Files;
use wharf::lock::Lock;
use wharf::model::ObservedState;
use wharf::plan::{Plan, Request, plan};

use crate::table::Table;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What the repository says beside its first form; each includes the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    None,
    /// The first workspace has another environment.
    Environment,
    /// The class has other limits.
    Class,
}

pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) count: usize,
    pub(crate) image: String,
    directory: TempDir,
}

impl Site {
    pub(crate) fn new(stem: &str, count: usize) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("{stem}{}-{number}", std::process::id()),
            count,
            image: std::env::var("WHARF_TEST_IMAGE")
                .unwrap_or_else(|_| "localhost/wharf-busybox:1".to_owned()),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    fn files(&self, change: Change) -> Vec<(&'static str, String)> {
        let (memory, cpu) = if change >= Change::Class {
            ("192Mi", "2")
        } else {
            ("128Mi", "1")
        };
        let mut manifests = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: {}}}\nspec: {{defaults: {{class: small, power: on}}, policy: {{promisedMemory: 10000}}}}\n\
             ---\napiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: \"{cpu}\", memory: {memory}, pids: 64}}\n\
             ---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: alice}}\nspec: {{email: a@example.org}}\n",
            self.name
        );
        for i in 0..self.count {
            let env = if i == 0 && change >= Change::Environment {
                ", env: {CHANGED: 'yes'}"
            } else {
                ""
            };
            manifests.push_str(&format!(
                "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: w{i}}}\n\
                 spec: {{owner: alice, devfile: {{path: devfiles/small.yaml}}{env}}}\n"
            ));
        }
        let devfile = format!(
            "schemaVersion: 2.2.2\nmetadata: {{name: small}}\ncomponents:\n  - name: tools\n    container: {{image: '{}'}}\n",
            self.image
        );
        vec![("wharf.yaml", manifests), ("devfiles/small.yaml", devfile)]
    }

    /// Writes the repository.
    pub(crate) fn declare(&self, change: Change) {
        for (path, text) in self.files(change) {
            let path = self.repository().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// The plan of a first apply.
    pub(crate) fn first_plan(&self, change: Change) -> Plan {
        let files = self.files(change);
        let files = Files::of(files.iter().map(|(path, text)| (*path, text.as_str())));
        let loaded = wharf::manifest::load(&files);
        let (workspaces, _) = wharf::resolve::read(&loaded, &wharf::devfile::Imports::none());
        let (desired, diagnostics) = workspaces
            .expect("the manifests are right")
            .resolve(&files, &Lock::default());
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        let mut observed = ObservedState::default();
        // Images are there; nothing else is.
        let images = desired.workspaces.values().flat_map(|w| &w.images);
        observed.images = images
            .map(|i| {
                let id = wharf::model::EngineId(i.reference.clone());
                (i.reference.clone(), wharf::model::ObservedImage { id })
            })
            .collect();
        plan(&desired, &observed, &Request::default()).unwrap()
    }

    fn wharf(&self, arguments: &[&str]) -> Command {
        let binary =
            std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from);
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .arg(self.repository())
            .env("WHARF_STATE_DIR", self.repository().join(".state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// `wharf apply`; how long it takes.
    pub(crate) fn apply(&self) -> Duration {
        let start = Instant::now();
        let output = self.wharf(&["apply", "--yes"]).output().unwrap();
        let elapsed = start.elapsed();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        elapsed
    }

    /// `wharf plan`, which finds nothing to do.
    pub(crate) fn plan(&self, table: &mut Table) {
        let start = Instant::now();
        let mut child = self.wharf(&["plan", "--detailed-exitcode"]).spawn().unwrap();
        let memory = peak(&mut child);
        let status = child.wait().unwrap();
        let elapsed = start.elapsed();
        assert!(status.success(), "nothing is left to do");
        table.add("no-op plan", "wharf", elapsed);
        table.add_memory(memory);
    }
}

/// The most memory that a child has had, in MiB, as read until it ends.
fn peak(child: &mut Child) -> f64 {
    let path = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u32>().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::park_timeout(Duration::from_millis(1));
    }
    f64::from(most) / 1024.0
}
