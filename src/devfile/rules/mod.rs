//! What a devfile must keep to beyond its shape, one rule a file: its code, why it exists, an example that trips it,
//! and its test.
//!
//! Most rules look at the whole [`Devfile`] through a [`Subject`]. Those that decide how a single value is read (a
//! quantity, a name, a version) are called while it is read and have no `check`. A rule's test is its folder in
//! `fixtures/devfile`: a devfile that keeps it, one that breaks it, and what is said then.

mod address_password;
mod annotation_conflict;
mod apply_component;
mod clone_path;
mod cluster_component;
mod composite_command;
mod composite_cycle;
mod default_command;
mod depends_on;
mod duplicate_command;
mod duplicate_component;
mod duplicate_endpoint;
mod duplicate_project;
pub(super) mod editor_command;
pub(super) mod endpoint_port;
mod env_name;
mod event_command;
mod event_kind;
mod event_size;
mod exec_component;
mod git_address;
mod git_word;
pub(super) mod health_check;
pub(super) mod import;
pub(super) mod import_conflict;
pub(super) mod import_cycle;
pub(super) mod import_version;
pub(super) mod key_version;
mod mount_path;
pub(super) mod name;
pub(super) mod one_of;
pub(super) mod override_refused;
pub(super) mod override_skipped;
pub(super) mod override_target;
mod port_conflict;
pub(super) mod quantity;
mod remotes;
mod request_over_limit;
mod reserved_env;
pub(super) mod schema_version;
mod sparse_checkout;
pub(super) mod undefined_variable;
mod unknown_volume;
pub(super) mod unused_variables;
pub(super) mod value;
pub(super) mod variable_size;
mod zip_address;

use std::collections::BTreeMap;

use super::component::ComponentKind;
use super::findings::Findings;
use super::read::Unread;
use super::root::Devfile;
use crate::document::{Code, Rule, Spanned};

/// Every rule, in the order in which a devfile meets them.
pub const RULES: &[Rule] = &[
    schema_version::RULE,
    key_version::RULE,
    one_of::RULE,
    name::RULE,
    value::RULE,
    import::RULE,
    import_cycle::RULE,
    import_version::RULE,
    import_conflict::RULE,
    override_target::RULE,
    override_refused::RULE,
    override_skipped::RULE,
    cluster_component::RULE,
    editor_command::RULE,
    undefined_variable::RULE,
    unused_variables::RULE,
    variable_size::RULE,
    duplicate_component::RULE,
    duplicate_command::RULE,
    duplicate_endpoint::RULE,
    duplicate_project::RULE,
    env_name::RULE,
    reserved_env::RULE,
    unknown_volume::RULE,
    mount_path::RULE,
    quantity::RULE,
    request_over_limit::RULE,
    endpoint_port::RULE,
    port_conflict::RULE,
    annotation_conflict::RULE,
    exec_component::RULE,
    apply_component::RULE,
    depends_on::RULE,
    health_check::RULE,
    composite_command::RULE,
    composite_cycle::RULE,
    default_command::RULE,
    event_command::RULE,
    event_kind::RULE,
    event_size::RULE,
    remotes::RULE,
    clone_path::RULE,
    git_address::RULE,
    git_word::RULE,
    sparse_checkout::RULE,
    zip_address::RULE,
    address_password::RULE,
];

/// What the rules look at.
pub(super) struct Subject<'a> {
    /// The devfile, as far as it could be read.
    pub(super) devfile: &'a Devfile,
    /// What could not.
    pub(super) unread: &'a Unread,
}

impl<'a> Subject<'a> {
    fn command_ids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.devfile.commands.iter().map(|c| c.id.value.as_str())
    }
}

/// Runs every rule that looks at the whole.
pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let checks: &[fn(&Subject<'_>, &mut Findings<'_>)] = &[
        cluster_component::check,
        duplicate_component::check,
        duplicate_command::check,
        duplicate_endpoint::check,
        duplicate_project::check,
        env_name::check,
        reserved_env::check,
        unknown_volume::check,
        mount_path::check,
        request_over_limit::check,
        port_conflict::check,
        annotation_conflict::check,
        exec_component::check,
        apply_component::check,
        depends_on::check,
        health_check::check,
        composite_command::check,
        composite_cycle::check,
        default_command::check,
        event_command::check,
        event_kind::check,
        event_size::check,
        remotes::check,
        clone_path::check,
        git_address::check,
        git_word::check,
        sparse_checkout::check,
        zip_address::check,
        address_password::check,
    ];
    for check in checks {
        check(subject, found);
    }
}

/// Reports every text that stood before. `what` is such as `a component named`.
fn report_duplicates<'a>(
    code: Code,
    what: &str,
    texts: impl Iterator<Item = &'a Spanned<String>>,
    found: &mut Findings<'_>,
) {
    let mut first: BTreeMap<&str, &Spanned<String>> = BTreeMap::new();
    for text in texts {
        let other = *first.entry(&text.value).or_insert(text);
        if !std::ptr::eq(other, text) {
            let message = format!("there is {what} {:?} already", text.value);
            let error = found.error(code, text.span, message);
            let help = format!("it stands on {}; rename one of them", found.place(other.span));
            found.report(error.help(help));
        }
    }
}

/// Reports a reference to a component that does not exist or is none of the `expected` kind.
fn report_component(
    code: Code,
    subject: &Subject<'_>,
    name: &Spanned<String>,
    (fits, expected): (fn(&ComponentKind) -> bool, &str),
    found: &mut Findings<'_>,
) {
    let message = match subject.devfile.component(&name.value) {
        Some(component) if fits(&component.kind) => return,
        Some(component) => format!(
            "{:?} is {}, not {expected}",
            name.value,
            component.kind.describe()
        ),
        None if subject.unread.component(&name.value) => return,
        None => format!("no component is named {:?}", name.value),
    };
    let error = found.error(code, name.span, message);
    let candidates = || {
        let candidates = subject.devfile.components.iter().filter(|c| fits(&c.kind));
        candidates.map(|c| c.name.value.as_str())
    };
    let few: Vec<&str> = candidates().take(8).collect();
    let error = match few.len() {
        1..8 => error.help(format!("there is {}", few.join(", "))),
        _ => error, // none to name, or too many
    };
    let error = found.suggest(error, &name.value, candidates());
    found.report(error);
}
