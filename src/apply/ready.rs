//! Waiting until a container is ready.

use std::time::Duration;

use super::execute::Executor;
use super::failure::StepError;
use crate::engine::{EngineError, ExecRequest};
use crate::model::{EngineId, HealthCheck, ObjectId, Probe};
use crate::plan::Target;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// The most seconds that one look may take.
const LOOK_SECONDS: u64 = 30;

impl Executor<'_> {
    /// Looks until the check succeeds, or its time is over. What the last look said is part of the failure.
    pub(super) async fn await_ready(
        &self,
        (object, target): (&ObjectId, &Target),
        component: &str,
        check: &HealthCheck,
    ) -> Result<(), StepError> {
        let id = self.id(object, target)?;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(check.timeout.into());
        loop {
            let Err(output) = self.look(&id, &check.probe).await? else {
                return Ok(());
            };
            if tokio::time::Instant::now() + PAUSE >= deadline {
                return Err(StepError::NotReady {
                    component: component.to_owned(),
                    seconds: check.timeout,
                    check: match &check.probe {
                        Probe::Command(line) => line.clone(),
                        Probe::Port(port) => format!("connecting to port {port}"),
                    },
                    output,
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One look: whether it succeeds, else what it said.
    async fn look(&self, id: &EngineId, probe: &Probe) -> Result<Result<(), String>, StepError> {
        match probe {
            Probe::Command(line) => {
                let request = ExecRequest {
                    argv: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
                    ..ExecRequest::default()
                };
                Ok(match self.exec(id, &request, LOOK_SECONDS).await? {
                    Some((_, 0)) => Ok(()),
                    Some((tail, _)) => Err(tail.text()),
                    None => Err(format!("it is not through after {LOOK_SECONDS} s")),
                })
            }
            Probe::Port(port) => match self.engine.dial(id, *port).await {
                Ok(_) => Ok(Ok(())),
                // It has ended, and will not become ready.
                Err(gone @ (EngineError::NotFound(_) | EngineError::Conflict(_))) => Err(gone.into()),
                Err(error) => Ok(Err(error.to_string())),
            },
        }
    }
}
