//! Starting, limiting, stopping and removing what exists, each addressed by its incarnation.

use std::time::Duration;

use serde::Deserialize;

use super::cgroup::{self, Host};
use super::fault::Call;
use super::http::{Api, Endpoint, MUTATE, json};
use super::inspect;
use super::limits;
use crate::engine::{EngineError, Result, VolumeRef};
use crate::model::{Enforced, EngineId, Kind, Limits, ObjectId};

/// What stopping may take beyond the stop time-out: the kill, unmounting, the network.
const STOP_MARGIN: u64 = 30;

/// How often a removal is tried again while something is still mounted, and the first pause, by which each is longer
/// than the one before: 6.3 s in all.
const BUSY: (u32, Duration) = (6, Duration::from_millis(300));

/// One row of the answer to a network's removal.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkRemoved {
    err: Option<serde_json::Value>,
}

/// How Podman says that the kernel has not let go of a mount yet.
const BUSY_MESSAGE: &str = "device or resource busy";

impl Api {
    pub(super) async fn start_container(&self, id: &EngineId, limits: &Limits, host: Host) -> Result<String> {
        let id = id.0.as_str();
        let call = Call::new("start container", id);
        self.act(call, MUTATE, &Endpoint::new(&["containers", id, "start"]))
            .await?;
        let run = self.container("inspect container", id).await?;
        if run.is_running() && host.enforces_limits() {
            let enforced = cgroup::read(host.hierarchy, run.state.pid, &run.id);
            // Podman restores the limits of creation at each start.
            if enforced.is_some_and(|e| !limits::differences(limits, &e).is_empty()) {
                self.update(&run, limits, host).await?;
            }
        }
        Ok(run.incarnation())
    }

    pub(super) async fn set_limits(&self, id: &EngineId, limits: &Limits, host: Host) -> Result<Enforced> {
        let run = self.container("inspect container", &id.0).await?;
        let call = Call::new("set the limits of container", &run.name);
        if !run.is_running() {
            return Err(call.failed(format!("it does not run (it is {})", run.state.status)));
        }
        if !host.enforces_limits() {
            return Err(EngineError::Unsupported(
                "this engine runs without root and the system delegates no control groups to it, so no limit is enforced"
                    .to_owned(),
            ));
        }
        self.update(&run, limits, host).await
    }

    /// Sends all limits, and proves from the control group that they hold.
    async fn update(&self, run: &inspect::Container, asked: &Limits, host: Host) -> Result<Enforced> {
        let call = Call::new("set the limits of container", &run.name);
        let body = json(call, &limits::live(asked, host.hierarchy))?;
        let endpoint = Endpoint::new(&["containers", &run.id, "update"]);
        self.open(call, MUTATE, body, &endpoint).await?;
        let enforced = cgroup::read(host.hierarchy, run.state.pid, &run.id).unwrap_or_default();
        let differences = limits::differences(asked, &enforced);
        if differences.is_empty() {
            return Ok(enforced);
        }
        Err(EngineError::NotAsAsked {
            object: run.name.clone(),
            what: differences.join("; "),
        })
    }

    pub(super) async fn stop_container(&self, id: &EngineId) -> Result<()> {
        let id = id.0.as_str();
        let run = self.container("inspect container", id).await?;
        match run.state.status.as_str() {
            "running" | "paused" | "stopping" => {}
            _ => return Ok(()),
        }
        let bound = Duration::from_secs(run.config.stop_timeout + STOP_MARGIN);
        let call = Call::new("stop container", &run.name);
        self.act(call, bound, &Endpoint::new(&["containers", id, "stop"]))
            .await?;
        Ok(())
    }

    pub(super) async fn stop_pod(&self, id: &EngineId) -> Result<()> {
        let id = id.0.as_str();
        let pod = self.pod("inspect pod", id).await?;
        // Podman stops the members one after another where they depend on each other.
        let mut seconds = STOP_MARGIN;
        for member in &pod.containers {
            seconds += self
                .container("inspect container", &member.id)
                .await?
                .config
                .stop_timeout;
        }
        let endpoint = Endpoint::new(&["pods", id, "stop"]);
        let call = Call::new("stop pod", id);
        self.act(call, Duration::from_secs(seconds), &endpoint).await?;
        // 4.3.1 takes a pod for stopped already where only some of its members run.
        let pod = self.pod("inspect pod", id).await?;
        for member in pod.containers.iter().filter(|member| member.id != pod.infra) {
            self.stop_container(&EngineId(member.id.clone())).await?;
        }
        if !pod.infra.is_empty() {
            self.stop_container(&EngineId(pod.infra)).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_container(&self, id: &EngineId) -> Result<()> {
        let call = Call::new("remove container", &id.0);
        self.remove(call, &Endpoint::new(&["containers", &id.0])).await
    }

    /// Removes what Podman has to unmount first. Right after a stop, most of all under load, the kernel may still be at
    /// the unmounting; then Podman says `unlinkat …/userdata/shm: device or resource busy` and leaves the rest in place.
    /// The kernel tells nobody when it is done, hence the pauses; removing again completes it.
    pub(super) async fn remove(&self, call: Call<'_>, endpoint: &Endpoint) -> Result<()> {
        let (times, pause) = BUSY;
        let mut removed = self.delete(call, endpoint).await;
        for time in 1..=times {
            match &removed {
                Err(EngineError::Failed { message, .. }) if message.contains(BUSY_MESSAGE) => {}
                _ => break,
            }
            tokio::time::sleep(pause * time).await;
            removed = match self.delete(call, endpoint).await {
                // The attempt before got that far.
                Err(EngineError::NotFound(_)) => return Ok(()),
                other => other,
            };
        }
        removed.map(drop)
    }

    /// Podman's own removal takes a pod's stopped containers with it, so they are looked for first.
    pub(super) async fn remove_pod(&self, id: &EngineId) -> Result<()> {
        let id = id.0.as_str();
        let pod = self.pod("inspect pod", id).await?;
        let others: Vec<&str> = pod
            .containers
            .iter()
            .filter(|c| c.id != pod.infra)
            .map(|c| c.name.as_str())
            .collect();
        if !others.is_empty() {
            return Err(EngineError::Conflict(format!(
                "remove pod {id}: it still holds {}",
                others.join(", ")
            )));
        }
        if !matches!(pod.state.as_str(), "Created" | "Exited" | "Stopped") {
            self.stop_pod(&EngineId(id.to_owned())).await?;
        }
        self.remove(Call::new("remove pod", id), &Endpoint::new(&["pods", id]))
            .await?;
        if let Ok(mut kept) = self.ranges.lock() {
            kept.remove(id);
        }
        Ok(())
    }

    pub(super) async fn remove_network(&self, id: &EngineId) -> Result<()> {
        let hash = id.0.split('@').next().unwrap_or_default();
        let call = Call::new("remove network", hash);
        let network = self.network("inspect network", hash).await?;
        if network.engine_id() != *id {
            return Err(EngineError::NotFound(format!(
                "network {} of that time",
                network.name
            )));
        }
        let answer = self
            .delete(call, &Endpoint::new(&["networks", &network.name]))
            .await?;
        let rows: Vec<NetworkRemoved> = serde_json::from_slice(&answer).unwrap_or_default();
        match rows.into_iter().find_map(|row| row.err) {
            Some(error) => Err(call.failed(error)),
            None => Ok(()),
        }
    }

    pub(super) async fn remove_volume(&self, volume: VolumeRef<'_>) -> Result<()> {
        let seen = self.same_volume(volume).await?;
        let call = Call::new("remove volume", volume.name);
        let endpoint = Endpoint::new(&["volumes", volume.name]);
        match self.delete(call, &endpoint).await {
            // Podman 4.3 has found that nothing uses it and forgets it, but has left its tmpfs mounted.
            Err(EngineError::Failed { message, .. }) if message.contains(BUSY_MESSAGE) => {
                unmount(&seen.mountpoint).await;
            }
            other => return other.map(drop),
        }
        match self.remove(call, &endpoint).await {
            Err(EngineError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// The volume, provided that it is the incarnation that the caller has seen.
    pub(super) async fn same_volume(&self, volume: VolumeRef<'_>) -> Result<inspect::Volume> {
        let found = self.volume("inspect volume", volume.name).await?;
        if found.engine_id() == *volume.id {
            Ok(found)
        } else {
            Err(EngineError::NotFound(format!(
                "volume {} created at {} (one created at {} has its name)",
                volume.name, volume.id, found.created_at
            )))
        }
    }

    pub(super) async fn incarnation(&self, object: &ObjectId) -> Result<String> {
        let name = object.name.as_str();
        match object.kind {
            Kind::Volume => Ok(self.volume("inspect volume", name).await?.created_at),
            Kind::Network => Ok(self.network("inspect network", name).await?.engine_id().0),
            Kind::Container => running(&self.container("inspect container", name).await?),
            Kind::Pod => {
                let pod = self.pod("inspect pod", name).await?;
                let infra = self.container("inspect container", &pod.infra).await?;
                running(&inspect::Container { id: pod.id, ..infra })
            }
            Kind::Image => Err(EngineError::Unsupported("images have no incarnation".to_owned())),
        }
    }

    pub(super) async fn wait_container(&self, id: &EngineId, seconds: u64) -> Result<i32> {
        let call = Call::new("wait for container", &id.0);
        let endpoint = Endpoint::new(&["containers", &id.0, "wait"])
            .query("condition", "stopped")
            .query("condition", "exited")
            .query("interval", "100ms");
        let answer = self.act(call, Duration::from_secs(seconds), &endpoint).await?;
        let text = String::from_utf8_lossy(&answer);
        text.trim()
            .parse()
            .map_err(|_| call.failed(format!("no exit code in {text:?}")))
    }

    pub(super) async fn written(&self, id: &EngineId) -> Result<u64> {
        let call = Call::new("measure container", &id.0);
        let endpoint = Endpoint::new(&["containers", &id.0, "json"]).query("size", "true");
        let container: inspect::Container = self.get(call, &endpoint).await?;
        Ok(container
            .size_rw
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0))
    }
}

fn running(container: &inspect::Container) -> Result<String> {
    if container.is_running() {
        Ok(container.incarnation())
    } else {
        Err(EngineError::NotFound(format!(
            "a running process of {}",
            container.name
        )))
    }
}

/// Takes a mount away that nothing uses any more; where it can't be, the removal that follows says why.
async fn unmount(path: &str) {
    let mut umount = tokio::process::Command::new("umount");
    let quiet = std::process::Stdio::null;
    let status = umount
        .args(["--lazy", path])
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status();
    // What it says does not matter: the volume's removal is tried either way.
    let _ = status.await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixListener;

    use super::*;

    const BUSY_ANSWER: (u16, &str) = (
        500,
        r#"{"message":"removing container x: unlinkat /run/x/userdata/shm: device or resource busy"}"#,
    );

    /// Removes a container from a Podman that gives these answers, one after another.
    async fn removed(answers: &'static [(u16, &'static str)]) -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("podman.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let podman = tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (reader, mut writer) = stream.split();
                let mut lines = BufReader::new(reader).lines();
                assert!(lines.next_line().await.unwrap().unwrap().starts_with("DELETE "));
                while !lines.next_line().await.unwrap().unwrap().is_empty() {}
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                writer.write_all(answer.as_bytes()).await.unwrap();
                writer.shutdown().await.unwrap();
                // Until the client has hung up.
                let _ = lines.into_inner().read_to_end(&mut Vec::new()).await;
            }
        });
        let removed = Api::new(&socket)
            .remove_container(&EngineId("x".to_owned()))
            .await;
        podman.await.unwrap();
        removed
    }

    #[tokio::test]
    async fn what_is_still_mounted_is_removed_a_moment_later() {
        removed(&[BUSY_ANSWER, (200, "[]")]).await.unwrap();
        removed(&[BUSY_ANSWER, (404, r#"{"message":"no such container"}"#)])
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn only_what_is_still_mounted_is_tried_again() {
        let gone = removed(&[(404, r#"{"message":"no such container"}"#)]).await;
        assert!(matches!(gone, Err(EngineError::NotFound(_))), "{gone:?}");
        let used = removed(&[BUSY_ANSWER, (409, r#"{"message":"it is running"}"#)]).await;
        assert!(matches!(used, Err(EngineError::Conflict(_))), "{used:?}");
    }
}
