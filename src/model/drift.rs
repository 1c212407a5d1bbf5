//! What a site does about drift: a difference that no commit explains.

/// What is done about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reaction {
    /// It is made undone.
    #[default]
    Repair,
    /// It is shown, and left as it is.
    Report,
    /// It is left as it is and not even shown.
    Off,
}

/// What is done about each kind of drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriftPolicy {
    /// A container or pod that is gone, or in the wrong place.
    pub containers: Reaction,
    /// A network that is gone.
    pub networks: Reaction,
    /// A volume that is gone.
    pub volumes: Reaction,
    /// Limits other than those that are declared.
    pub limits: Reaction,
    /// What has ended and should run, or runs and should not.
    pub power: Reaction,
}

impl DriftPolicy {
    /// The same for every kind.
    #[must_use]
    pub fn all(reaction: Reaction) -> Self {
        Self {
            containers: reaction,
            networks: reaction,
            volumes: reaction,
            limits: reaction,
            power: reaction,
        }
    }

    /// Whether any kind is treated that way.
    #[must_use]
    pub fn any(&self, reaction: Reaction) -> bool {
        let Self {
            containers,
            networks,
            volumes,
            limits,
            power,
        } = self;
        [containers, networks, volumes, limits, power].contains(&&reaction)
    }
}
