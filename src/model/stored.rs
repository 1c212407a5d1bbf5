//! What an engine stores beside a site's objects, as far as it is looked at to clean up.

use super::labels::Labels;
use super::observed::EngineId;

/// An image, whoever's it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredImage {
    /// Its id.
    pub id: EngineId,
    /// Its names with tags and with digests, sorted.
    pub names: Vec<String>,
    /// Those of its labels that are wharf's. An image inherits its base's.
    pub labels: Labels,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Its bytes, those that it shares with others among them.
    pub bytes: u64,
    /// The containers that were made from it, whoever's they are, by name.
    pub containers: Vec<String>,
}
