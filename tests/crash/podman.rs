//! On real Podman, at moments at random. Each round goes from what the round before left to one of a few repositories.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::client::{podman, try_podman};
use crate::labelled::remove_labelled;
use crate::random::Random;
use crate::{apply, output, recover, was_killed, words, write};

/// How the podman client lists the names of each kind of which names tell whose they are.
const KINDS: [(&str, &[&str]); 3] = [
    ("container", &["ps", "-a", "--format", "{{.Names}}"]),
    ("pod", &["pod", "ps", "--format", "{{.Name}}"]),
    ("network", &["network", "ls", "--format", "{{.Name}}"]),
];

/// A site of this process's own, removed by its label.
struct Site {
    name: String,
    directory: TempDir,
    image: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        remove_labelled(&format!("dev.wharf.site={}", self.name));
    }
}

impl Site {
    fn new() -> Self {
        let image =
            std::env::var("WHARF_TEST_IMAGE").unwrap_or_else(|_| "localhost/wharf-busybox:1".to_owned());
        let site = Self {
            name: format!("hc{}", std::process::id()),
            directory: tempfile::tempdir().unwrap(),
            image,
        };
        assert!(
            try_podman(&["image", "exists", &site.image]).is_ok(),
            "these tests need Podman and the image {}",
            site.image
        );
        site
    }

    fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    /// Writes one of the repositories: two small workspaces, one with everything that needs no network, one with other
    /// settings, one with other workspaces.
    fn declare(&self, variant: u64) {
        let Self { name, image, .. } = self;
        let site = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: {name}}}\nspec: {{defaults: {{class: small, power: on}}}}\n\
             ---\napiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: \"1\", memory: 128Mi, pids: 64}}\n\
             ---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: alice}}\nspec: {{email: a@example.org}}\n\
             ---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: bob}}\nspec: {{email: b@example.org}}\n"
        );
        let small = format!(
            "schemaVersion: 2.2.2\nmetadata: {{name: small}}\ncomponents:\n  - name: tools\n    \
             container: {{image: '{image}', memoryLimit: 64Mi}}\n"
        );
        let full = format!(
            "{small}  - name: side\n    container: {{image: '{image}', command: [sleep, '1000'], memoryLimit: 32Mi, \
             mountSources: false, volumeMounts: [{{name: data, path: /data}}]}}\n  - name: data\n    volume: {{}}\n\
             commands:\n  - {{id: hello, exec: {{component: tools, commandLine: 'echo hello > $HOME/hello'}}}}\n  \
             - {{id: bye, exec: {{component: tools, commandLine: 'echo bye > $HOME/bye'}}}}\n\
             events: {{postStart: [hello], preStop: [bye]}}\n"
        );
        let workspaces = match variant {
            0 => [
                ("alice/api", "full", ""),
                ("alice/two", "small", ""),
                ("bob/web", "small", ""),
            ],
            1 => [
                ("alice/api", "full", "env: {X: 'y'}"),
                ("alice/two", "small", ""),
                ("bob/web", "full", ""),
            ],
            _ => [
                ("alice/api", "small", ""),
                ("alice/new", "full", ""),
                ("bob/web", "small", "power: off"),
            ],
        };
        let manifests = workspaces.map(|(id, devfile, spec)| crate::repository::workspace(id, devfile, spec));
        write(
            &self.repository(),
            &[
                ("wharf.yaml", site),
                ("workspaces.yaml", manifests.concat()),
                ("devfiles/small.yaml", small),
                ("devfiles/full.yaml", full),
            ],
        );
    }

    /// The names of all containers (infra containers aside), pods and networks that begin with the site's, labelled or
    /// not.
    fn objects(&self) -> BTreeSet<String> {
        let begins = format!("{}.", self.name);
        let mut found = BTreeSet::new();
        for (kind, list) in &KINDS {
            for name in podman(list).lines().filter(|n| n.starts_with(&begins)) {
                assert!(
                    found.insert(format!("{kind}/{name}")),
                    "{kind} {name} is there twice"
                );
            }
        }
        found
    }

    /// What the repositories call for.
    fn expected(&self, variant: u64) -> BTreeSet<String> {
        let workspaces: &[(&str, &[&str])] = match variant {
            0 => &[
                ("alice.api", &["tools", "side"]),
                ("alice.two", &["tools"]),
                ("bob.web", &["tools"]),
            ],
            1 => &[
                ("alice.api", &["tools", "side"]),
                ("alice.two", &["tools"]),
                ("bob.web", &["tools", "side"]),
            ],
            _ => &[
                ("alice.api", &["tools"]),
                ("alice.new", &["tools", "side"]),
                ("bob.web", &["tools"]),
            ],
        };
        let mut expected = BTreeSet::new();
        for (workspace, containers) in workspaces {
            let stem = format!("{}.{workspace}", self.name);
            expected.insert(format!("pod/{stem}"));
            expected.insert(format!("network/{stem}"));
            expected.extend(containers.iter().map(|c| format!("container/{stem}.{c}")));
        }
        expected
    }

    /// An apply of `variant`, killed after `delay`; whether it was still at work.
    fn killed_after(&self, delay: Duration) -> bool {
        let mut child = apply(None, &self.repository())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() && start.elapsed() < delay {
            // The moment of the kill is what is at random here, not something that is waited for.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        // It may have ended by itself.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        assert!(
            was_killed(&output) || output.status.success(),
            "{}",
            words(&output)
        );
        was_killed(&output)
    }
}

#[test]
fn an_apply_survives_kills_at_random_moments() {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().unwrap());
    let rounds = number("WHARF_CRASH_ROUNDS").unwrap_or(20);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("WHARF_CRASH_SEED").unwrap_or(now.subsec_nanos().into());
    println!("WHARF_CRASH_SEED={seed} WHARF_CRASH_ROUNDS={rounds}");
    let mut random = Random(seed);
    let site = Site::new();
    site.declare(0);
    let start = Instant::now();
    recover(None, &site.repository(), "the first apply");
    let whole = start.elapsed().as_millis() as u64;
    let (mut variant, mut kills) = (0, 0);
    for round in 1..=rounds {
        variant = (variant + 1 + random.below(2)) % 3;
        site.declare(variant);
        let delay = Duration::from_millis(random.below(whole));
        let killed = site.killed_after(delay);
        kills += u64::from(killed);
        let place = format!("round {round} to variant {variant}, killed after {delay:?}: {killed}");
        println!("{place}");
        recover(None, &site.repository(), &place);
        assert_eq!(site.objects(), site.expected(variant), "{place}");
    }
    println!("{kills} of {rounds} applies were killed at work");
    assert!(kills * 2 >= rounds, "most kills must hit an apply at work");
    let cleared = output(crate::wharf(
        None,
        &["plan", "--detailed-exitcode", site.repository().to_str().unwrap()],
    ));
    assert!(cleared.status.success());
}
