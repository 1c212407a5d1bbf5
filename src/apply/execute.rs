//! One step's effect: the engine calls of each action, exactly as the plan has them.
//!
//! What does not belong here: deciding whether a step is right, retrying it, making up for it, choosing a name, an
//! image or an order, and looking for an object by name. A step whose object is not the incarnation that the plan saw
//! fails; the next plan sees what is there. What is found out here is whether a container has the programs that fetch
//! sources, and as which user it runs where another does it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::failure::StepError;
use crate::engine::{Create, Engine, EngineError, Reown, VolumeRef};
use crate::model::{EngineId, Kind, Labels, Limits, ObjectId, UidRange, labels};
use crate::plan::diff::join_incarnations;
use crate::plan::{Action, Creation, Step, Target};

/// Lines that an image's pull or build writes.
pub(super) type Progress<'a> = &'a (dyn for<'line> Fn(&'line str) + Send + Sync);

/// Carries out steps; remembers what the plan's later steps need of earlier ones.
pub(super) struct Executor<'a> {
    pub(super) engine: &'a dyn Engine,
    /// A permit for each mutation in flight.
    gate: Semaphore,
    known: Mutex<Known>,
}

/// What this execution has made.
#[derive(Default)]
struct Known {
    ids: BTreeMap<ObjectId, EngineId>,
    /// What a mark is valid for: see [`crate::model::ObservedObject::incarnation`].
    incarnations: BTreeMap<ObjectId, String>,
}

impl<'a> Executor<'a> {
    /// At most `mutations` will be in flight.
    pub(super) fn new(engine: &'a dyn Engine, mutations: usize) -> Self {
        Self {
            engine,
            gate: Semaphore::new(mutations.max(1)),
            known: Mutex::default(),
        }
    }

    /// Carries out a step; may succeed with something to warn of.
    pub(super) async fn execute(
        &self,
        step: &Step,
        progress: Progress<'_>,
    ) -> Result<Option<StepError>, StepError> {
        let object = &step.object;
        match &step.action {
            Action::EnsureImage { image, labels } => {
                self.engine.ensure_image(image, labels, progress).await?;
            }
            Action::Create { what, labels } => self.create(object, what, labels).await?,
            Action::Start { target, limits } => self.start(object, target, limits).await?,
            Action::SetLimits { target, limits } => {
                let id = self.id(object, target)?;
                self.mutate(self.engine.set_limits(&id, limits)).await?;
            }
            Action::Stop { target } => self.stop(object, target).await?,
            Action::Remove { target } => match self.remove(object, target).await {
                // Nothing is there of what was to go.
                Err(gone @ StepError::Engine(EngineError::NotFound(_))) => return Ok(Some(gone)),
                result => result?,
            },
            Action::MoveData { from, to, reown } => self.move_data(from, to, *reown).await?,
            Action::CopyData { from, to, reown } => self.copy_data(from, to, *reown).await?,
            Action::RunToEnd {
                spec,
                limits,
                labels,
                seconds,
                required,
            } => {
                let name = &object.name;
                let create = Create { name, spec, labels };
                match self.run_to_end(create, limits, *seconds).await {
                    Err(error) if !required => return Ok(Some(error)),
                    result => result?,
                }
            }
            Action::Clone {
                project,
                container,
                tools,
            } => {
                self.clone_project(project, container, tools.as_ref(), progress)
                    .await?;
            }
            Action::RunCommands {
                commands,
                containers,
                required,
            } => match self.run_commands(commands, containers, *required).await {
                Err(error) if !required => return Ok(Some(error)),
                result => result?,
            },
            Action::AwaitReady {
                target,
                component,
                check,
            } => self.await_ready((object, target), component, check).await?,
            Action::Mark { labels, subject, .. } => self.mark(object, labels, subject).await?,
        }
        Ok(None)
    }

    /// Makes a mutating call when there is a permit for one.
    pub(super) async fn mutate<T>(
        &self,
        call: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        // Invariant: nobody closes the gate, so there is always a permit in the end.
        let _permit = self.gate.acquire().await;
        call.await
    }

    async fn create(&self, object: &ObjectId, what: &Creation, labels: &Labels) -> Result<(), StepError> {
        let (name, engine) = (object.name.as_str(), self.engine);
        let id = match what {
            Creation::Network(spec) => {
                let create = Create { name, spec, labels };
                self.mutate(engine.create_network(create)).await?
            }
            Creation::Volume(spec) => {
                let create = Create { name, spec, labels };
                self.mutate(engine.create_volume(create)).await?
            }
            Creation::Pod(spec) => {
                let create = Create { name, spec, labels };
                self.mutate(engine.create_pod(create)).await?
            }
            Creation::Container(spec, limits) => {
                let create = Create { name, spec, labels };
                self.mutate(engine.create_container(create, limits)).await?
            }
        };
        let mut known = self.known();
        match object.kind {
            Kind::Volume | Kind::Network | Kind::Image => {
                known.incarnations.insert(object.clone(), id.to_string());
            }
            // What counts is their run, and they don't run yet.
            Kind::Pod | Kind::Container => {}
        }
        known.ids.insert(object.clone(), id);
        Ok(())
    }

    async fn start(&self, object: &ObjectId, target: &Target, limits: &Limits) -> Result<(), StepError> {
        let id = self.id(object, target)?;
        let incarnation = self.mutate(self.engine.start_container(&id, limits)).await?;
        self.known().incarnations.insert(object.clone(), incarnation);
        Ok(())
    }

    async fn stop(&self, object: &ObjectId, target: &Target) -> Result<(), StepError> {
        let id = self.id(object, target)?;
        match object.kind {
            Kind::Container => self.mutate(self.engine.stop_container(&id)).await?,
            Kind::Pod => self.mutate(self.engine.stop_pod(&id)).await?,
            Kind::Image | Kind::Network | Kind::Volume => {
                return Err(StepError::Impossible(object.clone(), "stopped"));
            }
        }
        self.known().incarnations.remove(object);
        Ok(())
    }

    async fn remove(&self, object: &ObjectId, target: &Target) -> Result<(), StepError> {
        let id = self.id(object, target)?;
        match object.kind {
            Kind::Container => self.mutate(self.engine.remove_container(&id)).await?,
            Kind::Pod => self.mutate(self.engine.remove_pod(&id)).await?,
            Kind::Network => self.mutate(self.engine.remove_network(&id)).await?,
            Kind::Volume => {
                let volume = VolumeRef {
                    name: &object.name,
                    id: &id,
                };
                self.mutate(self.engine.remove_volume(volume)).await?;
            }
            Kind::Image => return Err(StepError::Impossible(object.clone(), "removed")),
        }
        let mut known = self.known();
        known.ids.remove(object);
        known.incarnations.remove(object);
        Ok(())
    }

    async fn move_data(
        &self,
        from: &Target,
        to: &Target,
        reown: Option<(UidRange, UidRange)>,
    ) -> Result<(), StepError> {
        let (from_id, to_id) = (self.volume(from)?, self.volume(to)?);
        let from = VolumeRef {
            name: &from.name,
            id: &from_id,
        };
        let to = VolumeRef {
            name: &to.name,
            id: &to_id,
        };
        let reown = reown.map(|(from, to)| Reown { from, to });
        Ok(self.mutate(self.engine.move_data(from, to, reown)).await?)
    }

    /// It takes no permit: it may take as long as all other calls together, and they need not wait for it.
    async fn copy_data(
        &self,
        from: &Target,
        to: &Target,
        reown: (UidRange, UidRange),
    ) -> Result<(), StepError> {
        let (from_id, to_id) = (self.volume(from)?, self.volume(to)?);
        let from = VolumeRef {
            name: &from.name,
            id: &from_id,
        };
        let to = VolumeRef {
            name: &to.name,
            id: &to_id,
        };
        let (before, after) = reown;
        let reown = Reown {
            from: before,
            to: after,
        };
        match self.engine.copy_data(from, to, Some(reown)).await {
            Err(EngineError::Unsupported(why)) => Err(StepError::Uncopied(why)),
            result => Ok(result?),
        }
    }

    fn volume(&self, target: &Target) -> Result<EngineId, StepError> {
        self.id(&ObjectId::new(Kind::Volume, &*target.name), target)
    }

    async fn mark(&self, object: &ObjectId, labels: &Labels, subject: &[ObjectId]) -> Result<(), StepError> {
        let mut incarnations = Vec::with_capacity(subject.len());
        for subject in subject {
            incarnations.push(self.incarnation(subject).await?);
        }
        let mut labels = labels.clone();
        labels.insert(labels::SUBJECT.to_owned(), join_incarnations(&incarnations));
        self.mutate(self.engine.create_mark(&object.name, &labels))
            .await?;
        Ok(())
    }

    /// What a mark on `object` is valid for: what was known when it was made, started, or first asked for, so that a
    /// mark never vouches for a run that came after what it records.
    pub(super) async fn incarnation(&self, object: &ObjectId) -> Result<String, StepError> {
        let known = self.known().incarnations.get(object).cloned();
        if let Some(incarnation) = known {
            return Ok(incarnation);
        }
        let incarnation = self.engine.incarnation(object).await?;
        let mut known = self.known();
        Ok(known
            .incarnations
            .entry(object.clone())
            .or_insert(incarnation)
            .clone())
    }

    /// The incarnation that the plan saw, or that one of its earlier steps made.
    pub(super) fn id(&self, object: &ObjectId, target: &Target) -> Result<EngineId, StepError> {
        let id = match &target.id {
            Some(id) => Some(id.clone()),
            None => self.known().ids.get(object).cloned(),
        };
        id.ok_or_else(|| StepError::NotMade(object.clone()))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Invariant: whoever holds the lock only reads or inserts, so a panic elsewhere leaves it whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
