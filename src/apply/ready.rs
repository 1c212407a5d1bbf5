//! Waiting until a container is ready.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::execute::Executor;
use super::failure::StepError;
use super::output::finish;
use crate::engine::{EngineError, ExecRequest};
use crate::model::{EngineId, HealthCheck, ObjectId, Probe};
use crate::plan::Target;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// The most that one look may take, and what a look that was begun in time gets in any case: a slow engine takes seconds
/// to begin a command, and cutting it short would hide what it has to say.
const LOOK: Duration = Duration::from_secs(30);
const LEAST: Duration = Duration::from_secs(5);

/// One look at a container.
enum Look {
    Ready,
    /// What it said.
    NotReady(String),
    /// It has ended, and will not become ready.
    Ended(String),
}

impl Executor<'_> {
    /// Looks until the check succeeds, its time is over or the container has ended. What the last look said is part of the
    /// failure.
    pub(super) async fn await_ready(
        &self,
        (object, target): (&ObjectId, &Target),
        component: &str,
        check: &HealthCheck,
    ) -> Result<(), StepError> {
        let id = self.id(object, target)?;
        // Before the first look: what is recorded afterwards counts for this run of the container only.
        self.incarnation(object).await?;
        let deadline = Instant::now() + Duration::from_secs(check.timeout.into());
        let mut said = None;
        loop {
            let most = deadline.duration_since(Instant::now()).clamp(LEAST, LOOK);
            match timeout(most, self.look(&id, &check.probe, most)).await {
                Ok(look) => match look? {
                    Look::Ready => return Ok(()),
                    Look::NotReady(output) => said = Some(output),
                    Look::Ended(cause) => {
                        return Err(StepError::EndedUnready {
                            component: component.to_owned(),
                            cause,
                        });
                    }
                },
                // What an earlier look said is worth more.
                Err(_) => {
                    said.get_or_insert_with(|| format!("it was not through after {} s", whole_seconds(most)));
                }
            }
            if Instant::now() + PAUSE >= deadline {
                return Err(StepError::NotReady {
                    component: component.to_owned(),
                    seconds: check.timeout,
                    check: match &check.probe {
                        Probe::Command(line) => line.clone(),
                        Probe::Port(port) => format!("connecting to port {port}"),
                    },
                    output: said.unwrap_or_default(),
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// One look, which is given up after `most`.
    async fn look(&self, id: &EngineId, probe: &Probe, most: Duration) -> Result<Look, StepError> {
        let opened = match probe {
            Probe::Command(line) => {
                let request = ExecRequest {
                    argv: look_argv(line, most),
                    ..ExecRequest::default()
                };
                self.engine.exec(id, &request).await.map(Some)
            }
            Probe::Port(port) => self.engine.dial(id, *port).await.map(|_| None),
        };
        Ok(match opened {
            Ok(None) => Look::Ready,
            Ok(Some(session)) => match finish(session).await {
                Ok((_, 0)) => Look::Ready,
                Ok((tail, _)) => Look::NotReady(tail.text()),
                Err(error) => Look::NotReady(error.to_string()),
            },
            Err(EngineError::Conflict(cause)) => Look::Ended(cause),
            // It may be about to end; the next look sees whether it has.
            Err(error @ (EngineError::Failed { .. } | EngineError::Timeout { .. })) => {
                Look::NotReady(error.to_string())
            }
            Err(
                error @ (EngineError::NotFound(_)
                | EngineError::Unreachable { .. }
                | EngineError::Image { .. }
                | EngineError::NotAsAsked { .. }
                | EngineError::Unsupported(_)),
            ) => return Err(error.into()),
        })
    }
}

/// The command that runs a check's command line and ends it itself, a little after nobody waits for it any more.
fn look_argv(line: &str, most: Duration) -> Vec<String> {
    let seconds = (whole_seconds(most) + 1).to_string();
    ["/bin/sh", "-c", include_str!("look.sh"), "look", &seconds, line]
        .map(str::to_owned)
        .to_vec()
}

/// Rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // it runs shells, for a time
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs a look as an engine does, as the leader of a group, in each shell that an image may have. Returns the exit
    /// code, what it wrote, and whether any process of it is left a second later.
    fn looked(shell: &[&str], line: &str) -> (Option<i32>, String, bool) {
        let argv = look_argv(line, Duration::from_millis(10));
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(&argv[1..]).process_group(0);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let group = rustix::process::Pid::from_child(&child);
        let output = child.wait_with_output().unwrap();
        let patience = std::time::Instant::now() + Duration::from_secs(5);
        let left = || rustix::process::test_kill_process_group(group).is_ok();
        while left() && std::time::Instant::now() < patience {
            std::thread::yield_now();
        }
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text, left())
    }

    #[test]
    fn a_look_ends_itself_with_all_that_it_has_started() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            let of = |line| looked(shell, line);
            assert_eq!(of("echo said; exit 3"), (Some(3), "said\n".to_owned(), false));
            assert_eq!(of("true"), (Some(0), String::new(), false));
            assert_eq!(
                of("echo hangs; sleep 1000 | cat"),
                (None, "hangs\n".to_owned(), false)
            );
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(
            [0, 1, 1000, 1001].map(|ms| whole_seconds(Duration::from_millis(ms))),
            [0, 1, 1, 2]
        );
    }
}
