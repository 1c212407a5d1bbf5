//! The devfile language as tables: every object's keys, the form of their values, and the versions that have them.
//!
//! One table serves all versions: a key says since when and until when it exists. [`check`] compares a tree with the
//! tables and reports what differs; what the values mean together is the business of [`super::rules`].
//! [`super::variables`] learns from them where variables are replaced.

mod check;
mod commands;
mod components;
mod imports;
mod projects;
mod top;

pub(super) use check::check;
pub(super) use top::DEVFILE;

use super::version::SchemaVersion;

/// The form of a value.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A string of the form that [`crate::model::Name`] has.
    Name,
    /// The same, as long as the version allows for endpoints.
    EndpointName,
    /// A string such as `1.2.3-rc.1`.
    SemanticVersion,
    /// `true` or `false`.
    Flag,
    /// An integer.
    Integer,
    /// One of these strings.
    Choice(&'static [Choice]),
    /// A list of values of one form.
    List(&'static Shape),
    /// A map from strings to strings.
    Texts,
    /// A map of anything.
    Open,
    /// A map with these keys.
    Object(&'static Object),
    /// What is to change in such a map elsewhere: the same keys, of which only the one that names it is required.
    Overrides(&'static Object),
}

/// One word of a [`Shape::Choice`].
pub(super) struct Choice {
    text: &'static str,
    since: SchemaVersion,
}

/// A map with known keys.
pub(super) struct Object {
    /// What it is, with its article, for messages.
    what: &'static str,
    /// Whether further keys are allowed.
    open: bool,
    /// The key that tells it from the others in a list, where it stands in one.
    pub(super) id: Option<&'static str>,
    fields: &'static [Field],
}

/// One key of an [`Object`].
pub(super) struct Field {
    key: &'static str,
    pub(super) shape: Shape,
    required: bool,
    /// Whether it is one of the keys of which exactly one must be there.
    arm: bool,
    since: SchemaVersion,
    until: SchemaVersion,
    /// Whether `{{name}}` is replaced in every string of the value (and in keys, where those are free).
    pub(super) replaced: bool,
}

impl Object {
    /// The key of that text, in whatever version.
    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The keys of which exactly one must be there.
    pub(super) fn arms(&self) -> impl Iterator<Item = &'static str> {
        self.fields
            .iter()
            .filter(|field| field.arm)
            .map(|field| field.key)
    }
}

const OLDEST: SchemaVersion = SchemaVersion::V2_0_0;
const NEWEST: SchemaVersion = SchemaVersion::V2_3_0;

const fn object(what: &'static str, fields: &'static [Field]) -> Object {
    Object {
        what,
        open: false,
        id: None,
        fields,
    }
}

/// An object that stands in lists and is told by the key `id`.
const fn item(what: &'static str, id: &'static str, fields: &'static [Field]) -> Object {
    Object {
        id: Some(id),
        ..object(what, fields)
    }
}

const fn field(key: &'static str, shape: Shape) -> Field {
    Field {
        key,
        shape,
        required: false,
        arm: false,
        since: OLDEST,
        until: NEWEST,
        replaced: false,
    }
}

const fn choice(text: &'static str) -> Choice {
    Choice { text, since: OLDEST }
}

impl Field {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn arm(mut self) -> Self {
        self.arm = true;
        self
    }

    const fn since(mut self, version: SchemaVersion) -> Self {
        self.since = version;
        self
    }

    const fn until(mut self, version: SchemaVersion) -> Self {
        self.until = version;
        self
    }

    const fn replaced(mut self) -> Self {
        self.replaced = true;
        self
    }

    fn exists_in(&self, version: SchemaVersion) -> bool {
        self.since <= version && version <= self.until
    }
}
