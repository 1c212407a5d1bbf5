//! Facts that only a real Podman can prove: what a process inside a container sees, what the kernel enforces, what the
//! network lets through. Needs Podman's service and a busybox image; fails, never skips, where either is missing.
//!
//! `WHARF_TEST_IMAGE` names the image (default `localhost/wharf-busybox:1`): busybox with a user `user` of uid 1000.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

#[path = "support/client.rs"]
mod client;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/podman.rs"]
mod podman;
#[path = "support/raw.rs"]
mod raw;

use std::time::Duration;

use futures_util::StreamExt;
use podman::Site;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wharf::engine::{Engine, EngineError, ExecRequest, LogOptions, Output, OutputStream, Reown, VolumeRef};
use wharf::model::{
    Bytes, ContextFile, EngineId, ImageSource, ImageSpec, Kind, Limits, MilliCpu, Mount, ObjectId, Reading,
    RunState, UidRange,
};

fn small() -> Limits {
    Limits {
        memory: Some(Bytes(64 << 20)),
        memory_request: Some(Bytes(32 << 20)),
        cpu: Some(MilliCpu(500)),
        cpu_request: Some(MilliCpu(250)),
        pids: Some(100),
    }
}

#[tokio::test]
async fn a_container_is_created_started_stopped_and_removed() {
    let site = Site::new("life").await;
    let pod = site.pod("a", |_| ()).await;
    let container = site.container(&pod, "tools", small(), |_| ()).await;

    let seen = site.observed(&container.object).await;
    assert_eq!(
        (seen.run, seen.id.clone()),
        (RunState::Created, container.id.clone())
    );
    assert_eq!(site.observed(&pod.object).await.run, RunState::Created);

    let incarnation = site
        .engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    let seen = site.observed(&container.object).await;
    assert!(seen.run.is_running());
    assert_eq!(seen.incarnation().as_deref(), Some(incarnation.as_str()));
    assert_eq!(
        site.engine.incarnation(&container.object).await.unwrap(),
        incarnation
    );
    assert_eq!(seen.pod, Some(pod.id.clone()));
    let pod_seen = site.observed(&pod.object).await;
    assert!(pod_seen.run.is_running());
    assert_eq!(pod_seen.networks, std::slice::from_ref(&pod.network));
    assert_eq!(
        site.engine.incarnation(&pod.object).await.ok(),
        pod_seen.incarnation()
    );
    // Starting what runs changes nothing.
    assert_eq!(
        site.engine
            .start_container(&container.id, &small())
            .await
            .unwrap(),
        incarnation
    );

    let removal = site.engine.remove_container(&container.id).await;
    assert!(matches!(removal, Err(EngineError::Conflict(_))), "{removal:?}");
    let removal = site.engine.remove_pod(&pod.id).await;
    assert!(matches!(removal, Err(EngineError::Conflict(_))), "{removal:?}");

    site.engine.stop_container(&container.id).await.unwrap();
    site.engine.stop_container(&container.id).await.unwrap();
    assert!(matches!(
        site.observed(&container.object).await.run,
        RunState::Exited { .. }
    ));
    assert!(site.engine.incarnation(&container.object).await.is_err());
    site.engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    site.engine.stop_pod(&pod.id).await.unwrap();
    site.engine.stop_pod(&pod.id).await.unwrap();
    assert!(matches!(
        site.observed(&pod.object).await.run,
        RunState::Exited { .. }
    ));

    site.engine.remove_container(&container.id).await.unwrap();
    let again = site.engine.remove_container(&container.id).await;
    assert!(matches!(again, Err(EngineError::NotFound(_))), "{again:?}");
    site.engine.remove_pod(&pod.id).await.unwrap();
    site.engine.remove_network(&pod.network_id).await.unwrap();
    assert!(site.observe().await.objects.is_empty());
}

/// Whether limits can't be enforced on this machine. Then setting them is refused with the reason.
async fn limits_are_refused(site: &Site, container: &EngineId) -> bool {
    if machine::enforces_limits() {
        return false;
    }
    let refused = site.engine.set_limits(container, &small()).await;
    assert!(matches!(refused, Err(EngineError::Unsupported(_))), "{refused:?}");
    true
}

#[tokio::test]
async fn limits_hold_change_in_both_directions_and_survive_a_restart() {
    let site = Site::new("limits").await;
    let pod = site.pod("a", |_| ()).await;
    let container = site.container(&pod, "tools", small(), |_| ()).await;
    site.engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    if limits_are_refused(&site, &container.id).await {
        return site.remove().await;
    }
    let enforced = site.observed(&container.object).await.enforced.unwrap();
    assert_eq!(enforced.memory, Reading::Value(64 << 20));
    assert_eq!(enforced.memory_request, Reading::Value(32 << 20));
    assert_eq!(enforced.cpu, Reading::Value(500));
    assert_eq!(enforced.pids, Reading::Value(100));

    let large = Limits {
        memory: Some(Bytes(512 << 20)),
        memory_request: Some(Bytes(256 << 20)),
        cpu: Some(MilliCpu(2000)),
        cpu_request: Some(MilliCpu(1000)),
        pids: Some(1000),
    };
    for limits in [large, small(), Limits::default(), small(), large] {
        let enforced = site.engine.set_limits(&container.id, &limits).await.unwrap();
        assert_eq!(
            enforced.memory,
            limits.memory.map_or(Reading::Unlimited, |b| Reading::Value(b.0))
        );
        assert_eq!(
            enforced.cpu,
            limits.cpu.map_or(Reading::Unlimited, |c| Reading::Value(c.0))
        );
        assert_eq!(site.observed(&container.object).await.enforced, Some(enforced));
    }
    site.engine.stop_container(&container.id).await.unwrap();
    site.engine.start_container(&container.id, &large).await.unwrap();
    let enforced = site.observed(&container.object).await.enforced.unwrap();
    assert_eq!(
        (enforced.memory, enforced.pids),
        (Reading::Value(512 << 20), Reading::Value(1000))
    );
    site.remove().await;
}

async fn output(site: &Site, id: &EngineId, script: &str) -> String {
    let request = ExecRequest {
        argv: podman::shell(script),
        ..ExecRequest::default()
    };
    let session = site.engine.exec(id, &request).await.unwrap();
    let text = read(session.output).await;
    assert_eq!(session.exit.await.unwrap().unwrap(), 0, "{script}: {text}");
    text
}

async fn read(mut output: OutputStream) -> String {
    let mut text = Vec::new();
    while let Some(piece) = output.next().await {
        match piece.unwrap() {
            Output::Stdout(bytes) | Output::Stderr(bytes) => text.extend(bytes),
        }
    }
    String::from_utf8(text).unwrap()
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].trim()
}

#[tokio::test]
async fn processes_are_confined_as_read_from_inside() {
    let site = Site::new("confined").await;
    let pod = site.pod("a", |_| ()).await;
    let tools = site.container(&pod, "tools", small(), |_| ()).await;
    site.engine.start_container(&tools.id, &small()).await.unwrap();
    for process in ["self", "1"] {
        let status = output(&site, &tools.id, &format!("cat /proc/{process}/status")).await;
        assert_eq!(field(&status, "NoNewPrivs:"), "1");
        assert_eq!(field(&status, "CapEff:"), "0000000000000000");
        assert_eq!(field(&status, "CapBnd:"), "0000000000000000");
        assert_eq!(field(&status, "Seccomp:"), "2");
    }
    let map = output(&site, &tools.id, "cat /proc/self/uid_map /proc/self/gid_map").await;
    let words: Vec<&str> = map.split_whitespace().collect();
    if !site.rootless {
        assert_eq!(words, ["0", "1000000", "65536", "0", "1000000", "65536"]);
    }
    assert_ne!(words[1], "0", "root in the container is root on the host");
    site.remove().await;
}

#[tokio::test]
async fn volumes_are_writable_for_the_images_user_and_shared_by_containers() {
    let site = Site::new("volumes").await;
    let pod = site.pod("a", |_| ()).await;
    let data = site.volume(&pod, "data", false).await;
    let memory = site.volume(&pod, "memory", true).await;
    let mounts = vec![podman::mount(&data, "/data"), podman::mount(&memory, "/memory")];
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let mounts = mounts.clone();
        let container = site
            .container(&pod, name, small(), |spec| spec.mounts = mounts)
            .await;
        site.engine
            .start_container(&container.id, &small())
            .await
            .unwrap();
        made.push(container);
    }
    let script = "id -u; echo hello > /data/f; echo there > /memory/f; mount | grep ' /memory '";
    let wrote = output(&site, &made[0].id, script).await;
    assert!(wrote.starts_with("1000\n") && wrote.contains("tmpfs"), "{wrote}");
    assert_eq!(
        output(&site, &made[1].id, "cat /data/f /memory/f").await,
        "hello\nthere\n"
    );
    let mounted = VolumeRef {
        name: &data.object.name,
        id: &data.id,
    };
    let removal = site.engine.remove_volume(mounted).await;
    assert!(matches!(removal, Err(EngineError::Conflict(_))), "{removal:?}");

    site.engine.stop_pod(&pod.id).await.unwrap();
    site.engine.start_container(&made[0].id, &small()).await.unwrap();
    assert_eq!(
        output(&site, &made[0].id, "cat /data/f; ls /memory").await,
        "hello\n"
    );
    assert!(site.engine.written(&made[0].id).await.unwrap() < 1 << 20);
    output(
        &site,
        &made[0].id,
        "dd if=/dev/zero of=/tmp/big bs=1M count=3 2>/dev/null",
    )
    .await;
    assert!(site.engine.written(&made[0].id).await.unwrap() >= 3 << 20);
    site.remove().await;
}

#[tokio::test]
async fn an_empty_volume_stays_writable_across_restarts() {
    let site = Site::new("restarted").await;
    let pod = site.pod("a", |_| ()).await;
    let data = site.volume(&pod, "data", false).await;
    let mounts = vec![podman::mount(&data, "/data")];
    let tools = site
        .container(&pod, "tools", small(), |spec| spec.mounts = mounts)
        .await;
    for _ in 0..3 {
        site.engine.start_container(&tools.id, &small()).await.unwrap();
        let seen = output(&site, &tools.id, "stat -c %u /data; ls -A /data").await;
        assert_eq!(seen, "1000\n");
        site.engine.stop_container(&tools.id).await.unwrap();
    }
    site.remove().await;
}

#[tokio::test]
async fn a_volume_that_is_missing_is_not_made_on_the_way() {
    let site = Site::new("missing").await;
    let pod = site.pod("a", |_| ()).await;
    let name = format!("{}.tester.a.nothing.data", site.name);
    let mount = Mount {
        volume: name.clone(),
        path: "/x".into(),
    };
    let made = site
        .try_container(&pod, "tools", small(), |spec| spec.mounts = vec![mount])
        .await;
    assert!(matches!(made.map(|_| ()), Err(EngineError::NotFound(n)) if n == name));
    let state = site.observe().await;
    assert!(!state.foreign.contains(&ObjectId::new(Kind::Volume, name)));
    let missing = site
        .try_container(&pod, "tools", small(), |spec| {
            spec.image = "localhost/hp-none:1".into()
        })
        .await;
    assert!(
        matches!(missing.map(|_| ()), Err(EngineError::Image { reference, .. }) if reference == "localhost/hp-none:1")
    );
    site.remove().await;
}

/// Serves one line over HTTP on port 8080 of an address, with nothing but busybox.
fn server(address: &str, line: &str) -> Vec<String> {
    podman::shell(&format!(
        "mkdir -p /tmp/w; echo {line} > /tmp/w/index.html; exec httpd -f -p {address}:8080 -h /tmp/w"
    ))
}

async fn dialled(site: &Site, id: &EngineId) -> String {
    let mut text = String::new();
    // The server begins to listen a moment after its container has started.
    for _ in 0..100 {
        match site.engine.dial(id, 8080).await {
            Ok(mut stream) => {
                stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
                stream.read_to_string(&mut text).await.unwrap();
                return text.lines().last().unwrap().to_owned();
            }
            Err(error) => assert!(
                error.to_string().contains("nothing listens on port 8080"),
                "{error}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing listened");
}

#[tokio::test]
async fn a_port_bound_to_localhost_is_reached_and_another_workspace_is_not() {
    let site = Site::new("dial").await;
    let (a, b) = (site.pod("a", |_| ()).await, site.pod("b", |_| ()).await);
    let local = site
        .container(&a, "local", small(), |spec| {
            spec.command = Some(server("127.0.0.1", "inside"))
        })
        .await;
    let open = site
        .container(&b, "open", small(), |spec| {
            spec.command = Some(server("0.0.0.0", "other"))
        })
        .await;
    let beside = site.container(&a, "beside", small(), |_| ()).await;
    for id in [&local.id, &open.id, &beside.id] {
        site.engine.start_container(id, &small()).await.unwrap();
    }
    assert_eq!(dialled(&site, &local.id).await, "inside");
    assert_eq!(dialled(&site, &beside.id).await, "inside");
    assert_eq!(dialled(&site, &open.id).await, "other");
    let error = site.engine.dial(&beside.id, 9).await.unwrap_err().to_string();
    assert!(
        error.contains("port 9 in") && error.contains(".beside"),
        "{error}"
    );

    // Two containers of one workspace share localhost, across a restart of either.
    site.engine.stop_container(&beside.id).await.unwrap();
    site.engine.start_container(&beside.id, &small()).await.unwrap();
    assert_eq!(dialled(&site, &beside.id).await, "inside");

    // netavark 1.4 forgets to keep networks apart when any network goes down.
    let c = site.pod("c", |_| ()).await;
    let gone = site.container(&c, "gone", small(), |_| ()).await;
    site.engine.start_container(&gone.id, &small()).await.unwrap();
    site.engine.stop_pod(&c.id).await.unwrap();

    let address = output(
        &site,
        &open.id,
        "ip -4 -o addr show eth0 | sed 's/.*inet //; s/[/].*//'",
    )
    .await;
    let reach =
        |address: &str| format!("echo 'GET / HTTP/1.0' | nc -w 3 {address} 8080 2>&1 || echo unreachable");
    let own = output(&site, &open.id, &reach(address.trim())).await;
    assert!(own.ends_with("other\n"), "{own}");
    let other = output(&site, &beside.id, &reach(address.trim())).await;
    assert!(other.ends_with("unreachable\n"), "{other}");
    site.remove().await;
}

#[tokio::test]
async fn commands_have_streams_a_terminal_and_an_exit_code() {
    let site = Site::new("exec").await;
    let pod = site.pod("a", |_| ()).await;
    let tools = site.container(&pod, "tools", small(), |_| ()).await;
    site.engine.start_container(&tools.id, &small()).await.unwrap();

    let request = ExecRequest {
        argv: podman::shell("cat; echo \"$A\" >&2; pwd; exit 7"),
        env: vec![("A".into(), "err".into())],
        working_dir: Some("/tmp".into()),
        stdin: true,
        ..ExecRequest::default()
    };
    let session = site.engine.exec(&tools.id, &request).await.unwrap();
    let big = vec![b'x'; 200_000];
    session.stdin.send(big.clone()).await.unwrap();
    drop(session.stdin);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut pieces = session.output;
    while let Some(piece) = pieces.next().await {
        match piece.unwrap() {
            Output::Stdout(bytes) => out.extend(bytes),
            Output::Stderr(bytes) => err.extend(bytes),
        }
    }
    assert_eq!(out, [big, b"/tmp\n".to_vec()].concat());
    assert_eq!(err, b"err\n");
    assert_eq!(session.exit.await.unwrap().unwrap(), 7);

    let terminal = ExecRequest {
        argv: podman::shell(
            "until stty size | grep -q '43 101'; do sleep 0.1; done; stty size; read x; echo got $x",
        ),
        tty: true,
        stdin: true,
        ..ExecRequest::default()
    };
    let session = site.engine.exec(&tools.id, &terminal).await.unwrap();
    session.resize.send((101, 43)).await.unwrap();
    // Podman's own detach key must arrive.
    session.stdin.send(b"a\x10b\n".to_vec()).await.unwrap();
    let text = read(session.output).await;
    assert!(text.contains("43 101") && text.contains("got a"), "{text:?}");
    assert_eq!(session.exit.await.unwrap().unwrap(), 0);

    let missing = ExecRequest {
        argv: vec!["no-such-program".into()],
        ..ExecRequest::default()
    };
    match site.engine.exec(&tools.id, &missing).await {
        Ok(session) => {
            let text = read(session.output).await;
            assert!(text.contains("no-such-program"), "{text}");
            assert_eq!(session.exit.await.unwrap().unwrap(), 127);
        }
        Err(error) => assert!(error.to_string().contains("no-such-program"), "{error}"),
    }
    site.remove().await;
}

#[tokio::test]
async fn logs_end_and_follow_and_exit_codes_are_kept() {
    let site = Site::new("logs").await;
    let pod = site.pod("a", |_| ()).await;
    let script = "echo one; echo two >&2; sleep 1; echo three; exit 5";
    let job = site
        .container(&pod, "job", small(), |spec| {
            spec.command = Some(podman::shell(script))
        })
        .await;
    site.engine.start_container(&job.id, &small()).await.unwrap();
    let follow = LogOptions {
        follow: true,
        tail: None,
    };
    let following = site.engine.logs(&job.id, &follow).await.unwrap();
    assert_eq!(site.engine.wait_container(&job.id, 20).await.unwrap(), 5);
    let text = tokio::time::timeout(Duration::from_secs(10), read(following))
        .await
        .unwrap();
    assert_eq!(text, "one\ntwo\nthree\n");
    let last = LogOptions {
        follow: false,
        tail: Some(1),
    };
    assert_eq!(
        read(site.engine.logs(&job.id, &last).await.unwrap()).await,
        "three\n"
    );
    assert_eq!(site.engine.wait_container(&job.id, 20).await.unwrap(), 5);
    assert_eq!(site.observed(&job.object).await.run, RunState::Exited { code: 5 });
    let up = site.container(&pod, "up", small(), |_| ()).await;
    site.engine.start_container(&up.id, &small()).await.unwrap();
    let wait = site.engine.wait_container(&up.id, 1).await;
    assert!(matches!(wait, Err(EngineError::Timeout { .. })), "{wait:?}");
    site.remove().await;
}

#[tokio::test]
async fn images_are_built_and_what_can_not_be_had_says_why() {
    let site = Site::new("images").await;
    let reference = format!("localhost/{}:1", site.name);
    let spec = |run: &str, reference: &str| ImageSpec {
        reference: reference.to_owned(),
        source: ImageSource::Build {
            containerfile: "dir/Containerfile".into(),
            context: vec![ContextFile {
                path: "dir/Containerfile".into(),
                executable: false,
                content: format!(
                    "FROM {}\nARG WORD=none\nUSER 0\nCOPY dir /copied\nRUN {run}\nUSER user\n",
                    podman::image()
                )
                .into_bytes()
                .into(),
            }],
            args: vec!["WORD=built".into()],
        },
    };
    let lines = std::sync::Mutex::new(Vec::new());
    let progress = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let labels = wharf::model::Labels::from([("test".to_owned(), "yes".to_owned())]);
    let good = spec("echo $WORD > /word", &reference);
    site.engine.ensure_image(&good, &labels, &progress).await.unwrap();
    assert!(
        lines.lock().unwrap().iter().any(|line| line.contains("RUN echo")),
        "{lines:?}"
    );
    lines.lock().unwrap().clear();
    site.engine.ensure_image(&good, &labels, &progress).await.unwrap();
    assert!(lines.lock().unwrap().is_empty());
    assert!(site.observe().await.images.contains_key(&reference));

    // The same steps for somebody else's labels: Podman's cache holds all of them, and yet the labels are the new ones.
    let again = format!("localhost/{}:2", site.name);
    let relabelled = wharf::model::Labels::from([("test".to_owned(), "again".to_owned())]);
    let same = spec("echo $WORD > /word", &again);
    site.engine
        .ensure_image(&same, &relabelled, &progress)
        .await
        .unwrap();
    for (reference, value) in [(&reference, "yes"), (&again, "again")] {
        let label = client::podman(&["image", "inspect", "--format", "{{.Labels.test}}", reference]);
        assert_eq!(label.trim(), value);
    }

    let pod = site.pod("a", |_| ()).await;
    let tools = site
        .container(&pod, "tools", small(), |s| s.image.clone_from(&reference))
        .await;
    site.engine.start_container(&tools.id, &small()).await.unwrap();
    assert_eq!(
        output(&site, &tools.id, "cat /word; ls /copied").await,
        "built\nContainerfile\n"
    );
    site.remove().await;

    let bad = spec("echo reason; false", "localhost/hp-bad:1");
    let error = site
        .engine
        .ensure_image(&bad, &labels, &progress)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, EngineError::Image { cause, .. } if cause.contains("reason")),
        "{error}"
    );
    let pull = |reference: &str| ImageSpec {
        reference: reference.into(),
        source: ImageSource::Pull,
    };
    let error = site
        .engine
        .ensure_image(&pull("localhost/hp-none:1"), &labels, &progress)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, EngineError::Image { cause, .. } if cause.contains("podman build")),
        "{error}"
    );
    let error = site
        .engine
        .ensure_image(&pull("127.0.0.1:1/hp-none:1"), &labels, &progress)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, EngineError::Image { cause, .. } if cause.contains("refused")),
        "{error}"
    );
    client::remove_by_hand(&["image", "rm", "--force", &reference, &again]);
}

#[tokio::test]
async fn data_moves_between_volumes_with_its_owners() {
    let site = Site::new("move").await;
    let a = site.pod("a", |_| ()).await;
    let other = UidRange {
        first: 2_000_000,
        count: 65_536,
    };
    let b = site.pod("b", |spec| spec.uid_range = Some(other)).await;
    let (from, to) = (
        site.volume(&a, "data", false).await,
        site.volume(&b, "data", false).await,
    );
    let writer = site
        .container(&a, "tools", small(), |spec| {
            spec.mounts = vec![podman::mount(&from, "/data")]
        })
        .await;
    site.engine.start_container(&writer.id, &small()).await.unwrap();
    output(
        &site,
        &writer.id,
        "mkdir /data/d; echo kept > /data/d/f; ln -s /etc/passwd /data/l",
    )
    .await;

    let source = VolumeRef {
        name: &from.object.name,
        id: &from.id,
    };
    let target = VolumeRef {
        name: &to.object.name,
        id: &to.id,
    };
    let reown = Some(Reown {
        from: podman::RANGE,
        to: other,
    });
    let busy = site.engine.move_data(source, target, reown).await;
    assert!(matches!(busy, Err(EngineError::Conflict(_))), "{busy:?}");
    site.engine.stop_pod(&a.id).await.unwrap();
    for _ in 0..2 {
        site.engine.move_data(source, target, reown).await.unwrap();
    }
    let reader = site
        .container(&b, "tools", small(), |spec| {
            spec.mounts = vec![podman::mount(&to, "/data")]
        })
        .await;
    site.engine.start_container(&reader.id, &small()).await.unwrap();
    let read = output(&site, &reader.id, "cat /data/d/f; echo more >> /data/d/f; echo x > /data/new; stat -c %u /data /data/d/f; readlink /data/l").await;
    assert_eq!(read, "kept\n1000\n1000\n/etc/passwd\n");
    // The old volume is empty and still writable for its owner.
    site.engine.start_container(&writer.id, &small()).await.unwrap();
    assert_eq!(
        output(
            &site,
            &writer.id,
            "ls -A /data; echo again > /data/f; cat /data/f"
        )
        .await,
        "again\n"
    );
    site.engine.stop_pod(&a.id).await.unwrap();
    site.engine.stop_pod(&b.id).await.unwrap();
    let full = site.engine.move_data(source, target, reown).await;
    assert!(matches!(full, Err(EngineError::Conflict(_))), "{full:?}");
    let stale = VolumeRef { id: &to.id, ..source };
    assert!(matches!(
        site.engine.move_data(stale, target, None).await,
        Err(EngineError::NotFound(_))
    ));
    assert!(matches!(
        site.engine.remove_volume(stale).await,
        Err(EngineError::NotFound(_))
    ));
    site.remove().await;
}

#[tokio::test]
async fn limits_changed_behind_wharfs_back_are_seen_and_set_back() {
    let site = Site::new("drift").await;
    let pod = site.pod("a", |_| ()).await;
    let tools = site.container(&pod, "tools", small(), |_| ()).await;
    site.engine.start_container(&tools.id, &small()).await.unwrap();
    if limits_are_refused(&site, &tools.id).await {
        return site.remove().await;
    }
    client::podman(&[
        "update",
        "--memory",
        "128m",
        "--memory-swap",
        "128m",
        &tools.object.name,
    ]);
    let seen = site.observed(&tools.object).await.enforced.unwrap();
    assert_eq!(seen.memory, Reading::Value(128 << 20));
    let set = site.engine.set_limits(&tools.id, &small()).await.unwrap();
    assert_eq!(set.memory, Reading::Value(64 << 20));
    site.remove().await;
}

#[tokio::test]
async fn names_that_are_taken_and_objects_of_others_are_told() {
    let site = Site::new("names").await;
    let pod = site.pod("a", |_| ()).await;
    let tools = site.container(&pod, "tools", small(), |_| ()).await;
    let again = site.try_container(&pod, "tools", small(), |_| ()).await;
    assert!(matches!(again.map(|_| ()), Err(EngineError::Conflict(_))));
    let neighbour = Site::new("names").await;
    let state = neighbour.observe().await;
    assert!(state.objects.is_empty());
    for object in [
        &tools.object,
        &pod.object,
        &ObjectId::new(Kind::Network, pod.network.clone()),
    ] {
        assert!(state.foreign.contains(object), "{object}");
    }
    assert!(site.engine.sites().await.unwrap().contains(&site.name));
    let nobody = wharf::engine::podman::Podman::connect(std::path::Path::new("/nowhere.sock"));
    assert!(matches!(
        nobody.facts().await,
        Err(EngineError::Unreachable { .. })
    ));
    assert!(matches!(
        nobody.written(&tools.id).await,
        Err(EngineError::Unreachable { .. })
    ));
    site.remove().await;
}
