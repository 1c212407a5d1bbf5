//! The vocabulary that every stage shares: names, quantities, object specifications and their identity, the desired
//! and the observed state.
//!
//! Only plain data and total functions live here. Nothing reads a file, a clock or an engine, and no stage's logic
//! (comparing, choosing, ordering) belongs here.

pub mod command;
pub mod context;
pub mod desired;
pub mod drift;
pub mod duration;
pub mod identity;
pub mod labels;
pub mod maintenance;
pub mod name;
pub mod object;
pub mod observed;
pub mod origin;
pub mod quantity;
pub mod reference;
pub mod spec;
pub mod stored;

pub use command::{CommandAction, DesiredCommand, ExecCommand};
pub use desired::{
    CloneProject, DesiredContainer, DesiredEndpoint, DesiredState, DesiredWorkspace, HealthCheck, Moved,
    OnRemove, Power, Probe, ProjectSource, StopHooks,
};
pub use drift::{DriftPolicy, Reaction};
pub use duration::{Seconds, SecondsError};
pub use identity::{Identity, content_hash, spec_hash};
pub use labels::{Labels, Ownership};
pub use maintenance::{Clock, Day, Maintenance, Window, Zone, ZoneError};
pub use name::{Name, NameError, WorkspaceId};
pub use object::{Kind, ObjectId, Role};
pub use observed::{
    Enforced, EngineFacts, EngineId, ForeignVolume, ObservedImage, ObservedObject, ObservedState, Reading,
    RunState,
};
pub use origin::{Origin, OriginError, Transport};
pub use quantity::{Bytes, MilliCpu, QuantityError};
pub use spec::{
    ContainerSpec, ContextFile, ImageSource, ImageSpec, Limits, MarkSpec, Mount, NetworkSpec, PodSpec,
    PublishedPort, STOP_TIMEOUT, Spec, UidRange, VolumeSpec,
};
pub use stored::StoredImage;
