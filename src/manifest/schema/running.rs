//! What a Site says of how it is kept: what is done about drift, when, and what is followed; as its author writes it.

#![allow(dead_code)] // schemas are made of the types, values of them never exist

use schemars::JsonSchema;

const CLOCK: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

/// What is done about drift, a difference that no commit explains: repair makes it undone, report shows it, off does not even
/// that. One word for every kind, or one for each.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Drift {
    Every(Reaction),
    Each(DriftKinds),
}

/// What is done about each kind of drift.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DriftKinds {
    /// What is done about the kinds that are not named.
    #[schemars(extend("default" = "repair"))]
    default: Option<Reaction>,
    /// A container or pod that is gone, or in the wrong place.
    containers: Option<Reaction>,
    /// A network that is gone.
    networks: Option<Reaction>,
    /// A volume that is gone.
    volumes: Option<Reaction>,
    /// Limits other than those that are declared.
    limits: Option<Reaction>,
    /// What has ended and should run, or runs and should not.
    power: Option<Reaction>,
}

/// repair: it is made undone. report: it is shown. off: it is not even shown.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
pub(super) enum Reaction {
    Repair,
    Report,
    Off,
}

/// When changes may interrupt somebody's work: those that restart or recreate what runs wait for a window.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Maintenance {
    /// The windows. An empty list: changes never wait.
    windows: Vec<Window>,
    /// The time zone of their times, such as Europe/Berlin. Absent: the Site's, else UTC.
    time_zone: Option<String>,
}

/// A time that comes back.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Window {
    /// The days on which it begins. Absent: every day.
    days: Option<Vec<Day>>,
    /// When it begins, HH:MM.
    #[schemars(extend("pattern" = CLOCK))]
    from: String,
    /// When it ends, HH:MM up to 24:00; where that is not later than from, on the next day.
    #[schemars(extend("pattern" = CLOCK))]
    to: String,
}

/// A day of the week.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
pub(super) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A repository elsewhere that the daemon follows in place of the directory that it is given.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Follow {
    /// Its address: https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH, without a password.
    #[schemars(extend("pattern" = "^(https://|ssh://|file:///|[A-Za-z0-9._+][A-Za-z0-9._+@-]*:)[^\\s]+$"))]
    url: String,
    /// The branch, tag or commit to follow. Absent: what HEAD points to.
    #[schemars(extend("pattern" = "^[^\\s~^:?*\\[\\\\-][^\\s~^:?*\\[\\\\]*$"))]
    r#ref: Option<String>,
    /// The folder with the configuration. Absent: the repository's root.
    #[schemars(extend("pattern" = "^[^/]+(/[^/]+)*$"))]
    path: Option<String>,
    /// How often it is fetched, from 1s to 24h.
    #[schemars(extend("default" = "30s", "pattern" = "^([0-9]{1,9}[hms])+$"))]
    interval: Option<String>,
    /// Whether the daemon takes over only commits that are signed with a key that it was started with.
    #[schemars(extend("default" = false))]
    require_signed_commits: Option<bool>,
}
