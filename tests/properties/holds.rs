//! What always holds of what waits: drift that is only reported, and interruptions outside maintenance windows.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use wharf::engine::simulated::Moment;
use wharf::model::{Clock, Day, DesiredState, DriftPolicy, Maintenance, Reaction, Window, Zone};
use wharf::plan::{ChangeAction, Plan};

use crate::repository::{Repository, files, repository, resolve, two_commits};
use crate::site::{Asked, Essence, Site, brief};
use crate::{approved, meddle};

/// Thursday, 1 January 1970, 12:00, and Friday.
const THURSDAY: i64 = 12 * 3600;
const FRIDAY: i64 = THURSDAY + 24 * 3600;

fn reported(repository: &Repository) -> DesiredState {
    let mut desired = resolve(&files(repository));
    desired.drift = DriftPolicy::all(Reaction::Report);
    desired
}

/// Everything waits for Friday.
fn on_fridays(repository: &Repository) -> DesiredState {
    let mut desired = resolve(&files(repository));
    let maintenance = Maintenance {
        zone: Zone::default(),
        windows: vec![Window {
            days: BTreeSet::from([Day::Fri]),
            from: Clock::read("00:00").unwrap(),
            to: Clock::read("24:00").unwrap(),
        }],
    };
    desired.maintenance = Some(maintenance.clone());
    for workspace in desired.workspaces.values_mut() {
        workspace.maintenance = Some(maintenance.clone());
    }
    desired
}

/// What is left of a plan is drift, and all of it waits.
fn is_all_drift(plan: &Plan) -> bool {
    let mut changes = plan.changes.iter().filter(|c| c.action != ChangeAction::Retain);
    plan.steps.is_empty() && changes.all(|c| c.drift == Some(true))
}

fn running(site: &Site) -> Vec<String> {
    let containers = site.state().containers.into_iter();
    let running = containers.filter(|(_, container)| container.run.is_running());
    running
        .map(|(name, container)| format!("{name} {:?}", container.id))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn whatever_somebody_else_does_is_drift_and_left_as_it_is(
        first in repository(),
        doings in prop::collection::vec((0..5_u8, any::<Index>()), 1..4),
    ) {
        let (site, desired, asked) = (Site::new(), reported(&first), Asked::default());
        site.converge(&desired, &asked, 4);
        meddle(&site, &doings);
        let plan = site.plan(&desired, &asked);
        prop_assert!(is_all_drift(&plan), "{}", brief(&plan));
        prop_assert_eq!(plan.is_converged(), plan.changes.iter().all(|c| c.action == ChangeAction::Retain));
        let mut silent = desired.clone();
        silent.drift = DriftPolicy::all(Reaction::Off);
        let plan = site.plan(&silent, &asked);
        prop_assert!(plan.is_converged(), "{}", brief(&plan));
        site.converge(&desired, &Asked { repair: true, ..asked }, 4);
    }

    #[test]
    fn a_commit_is_carried_out_whatever_has_drifted(
        (first, next) in two_commits(),
        doings in prop::collection::vec((0..5_u8, any::<Index>()), 1..4),
    ) {
        let (site, asked) = (Site::new(), approved(&first, &next));
        site.converge(&reported(&first), &Asked::default(), 4);
        meddle(&site, &doings);
        let desired = reported(&next);
        let plan = site.plan(&desired, &asked);
        let report = site.apply(&plan, 4);
        prop_assert_eq!(report.counts().failed, 0, "{:#?}", report.failures().collect::<Vec<_>>());
        let left = site.plan(&desired, &asked);
        prop_assert!(is_all_drift(&left), "{}\nthen {}", brief(&plan), brief(&left));
        site.converge(&desired, &Asked { repair: true, ..asked }, 4);
    }

    #[test]
    fn what_a_crash_has_left_undone_is_no_drift(
        (first, next) in two_commits(),
        at in any::<Index>(),
        when in prop_oneof![Just(Moment::Before), Just(Moment::Halfway), Just(Moment::After)],
    ) {
        let (desired, asked) = (reported(&next), approved(&first, &next));
        let (usual, site) = (Site::new(), Site::new());
        for site in [&usual, &site] {
            site.converge(&reported(&first), &Asked::default(), 1);
        }
        let before = usual.state().calls.len();
        usual.converge(&desired, &asked, 1);
        let calls = usual.state().calls.len() - before;
        site.crash_at(at.index(calls.max(1)) as u64 + 1, when);
        let _ = site.apply(&site.plan(&desired, &asked), 1);
        site.recover();
        site.converge(&desired, &asked, 1);
        prop_assert_eq!(Essence::of(&site.state()), Essence::of(&usual.state()));
    }

    #[test]
    fn outside_its_windows_nothing_that_runs_is_interrupted(
        (first, next) in two_commits(),
        doings in prop::collection::vec((0..5_u8, any::<Index>()), 0..2),
    ) {
        let (site, usual) = (Site::new(), Site::new());
        for site in [&usual, &site] {
            site.converge(&resolve(&files(&first)), &Asked::default(), 4);
            meddle(site, &doings);
        }
        let (desired, asked) = (on_fridays(&next), approved(&first, &next));
        usual.converge(&desired, &asked, 4);
        let early = Asked { moment: Some(THURSDAY), ..asked.clone() };
        let before = running(&site);
        let plan = site.plan(&desired, &early);
        let report = site.apply(&plan, 4);
        prop_assert_eq!(report.counts().failed, 0, "{:#?}", report.failures().collect::<Vec<_>>());
        let after = running(&site);
        prop_assert!(before.iter().all(|name| after.contains(name)), "{}", brief(&plan));
        site.assert_converged(&desired, &Asked { approves: false, ..early });
        site.converge(&desired, &Asked { moment: Some(FRIDAY), ..asked }, 4);
        prop_assert_eq!(Essence::of(&site.state()).others, Essence::of(&usual.state()).others);
    }
}
