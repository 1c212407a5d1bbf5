//! What always holds of plans and of applying them, over repositories at random: see each property. `PROPTEST_CASES`
//! sets how many.

#![allow(clippy::unwrap_used, clippy::panic)] // tests

mod holds;
mod repository;
mod site;

use proptest::prelude::*;
use proptest::sample::Index;
use wharf::document::Files;
use wharf::engine::simulated::{Meddling, Moment};
use wharf::model::{Kind, Labels, ObjectId, Role};
use wharf::plan::{Plan, Request, plan};

use repository::{Repository, documents, files, removed, repository, resolve, two_commits};
use site::{Asked, Essence, Site};

/// A site on which the repository has been applied, and data written.
fn applied(repository: &Repository) -> Site {
    let site = Site::new();
    site.converge(&resolve(&files(repository)), &Asked::default(), 4);
    site.write_data();
    site
}

fn approved(first: &Repository, next: &Repository) -> Asked {
    Asked {
        removed: removed(first, next),
        approves: true,
        ..Asked::default()
    }
}

/// The plan with its steps in another order that respects what waits for what.
fn reordered(plan: &Plan, choices: &[Index]) -> Plan {
    let mut plan = plan.clone();
    let steps = std::mem::take(&mut plan.steps);
    let mut left: Vec<usize> = (0..steps.len()).collect();
    let mut place = vec![usize::MAX; steps.len()];
    while !left.is_empty() {
        let ready = left
            .iter()
            .filter(|i| steps[**i].after.iter().all(|a| place[*a] != usize::MAX));
        let ready: Vec<usize> = ready.copied().collect();
        let choice = *choices[plan.steps.len() % choices.len()].get(&ready);
        place[choice] = plan.steps.len();
        let mut step = steps[choice].clone();
        step.after.iter_mut().for_each(|a| *a = place[*a]);
        plan.steps.push(step);
        left.retain(|i| *i != choice);
    }
    plan
}

/// Somebody else's objects of every kind under these names.
fn add_foreign(site: &Site, names: &[String]) -> Vec<ObjectId> {
    let kinds = [Kind::Network, Kind::Volume, Kind::Pod, Kind::Container];
    let objects: Vec<_> = names
        .iter()
        .zip(kinds.iter().cycle())
        .map(|(n, k)| ObjectId::new(*k, n))
        .collect();
    for object in &objects {
        site.engine.meddle(&Meddling::AddForeign(object.clone())).unwrap();
    }
    objects
}

/// Does things behind wharf's back.
fn meddle(site: &Site, doings: &[(u8, Index)]) {
    for (doing, which) in doings {
        let state = site.state();
        let objects = Essence::of(&state).others;
        let objects: Vec<_> = objects.keys().collect();
        if objects.is_empty() {
            continue;
        }
        let object = (*which.get(&objects)).clone();
        let running = state.containers.get(&object.name).and_then(|c| c.enforced);
        let meddling = match (*doing, running) {
            (0, _) => Meddling::Remove(object),
            (1, _) => Meddling::Stop(object),
            (2, Some(mut enforced)) => {
                enforced.pids = wharf::model::observed::Reading::Value(7);
                Meddling::SetEnforced {
                    container: object.name,
                    enforced,
                }
            }
            (3, _) => Meddling::Start(object.name),
            (_, _) => Meddling::Reboot,
        };
        site.engine.meddle(&meddling).unwrap();
    }
}

/// Everything that carries no label of this site.
fn of_others(site: &Site) -> Vec<String> {
    let mut state = site.state();
    let own = |labels: &Labels| labels.get(wharf::model::labels::SITE).is_some_and(|s| s == "lab");
    state.networks.retain(|_, o| !own(&o.labels));
    state.volumes.retain(|_, o| !own(&o.labels));
    state.pods.retain(|_, o| !own(&o.labels));
    state.containers.retain(|_, o| !own(&o.labels));
    let all = (state.networks, state.volumes, state.pods, state.containers);
    vec![format!("{:#?}", all)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn after_an_apply_the_plan_is_empty((first, next) in two_commits()) {
        let site = applied(&first);
        site.converge(&resolve(&files(&next)), &approved(&first, &next), 4);
    }

    #[test]
    fn what_is_reached_does_not_depend_on_where_it_started((first, next) in two_commits()) {
        let site = applied(&first);
        let desired = resolve(&files(&next));
        site.converge(&desired, &approved(&first, &next), 4);
        let fresh = Site::new();
        fresh.converge(&desired, &Asked::default(), 4);
        prop_assert_eq!(Essence::of(&site.state()).others, Essence::of(&fresh.state()).others);
    }

    #[test]
    fn every_order_of_the_steps_that_respects_the_plan_works(
        (first, next) in two_commits(),
        choices in prop::collection::vec(any::<Index>(), 1..40),
    ) {
        let (site, usual) = (applied(&first), applied(&first));
        let (desired, asked) = (resolve(&files(&next)), approved(&first, &next));
        let plan = reordered(&site.plan(&desired, &asked), &choices);
        let report = site.apply(&plan, 1);
        prop_assert!(report.converged(), "{:#?}", report.failures().collect::<Vec<_>>());
        site.assert_converged(&desired, &asked);
        usual.converge(&desired, &asked, 4);
        prop_assert_eq!(Essence::of(&site.state()), Essence::of(&usual.state()));
    }

    #[test]
    fn after_a_crash_at_any_call_one_rerun_reaches_the_same_state(
        (first, next) in two_commits(),
        at in any::<Index>(),
        when in prop_oneof![Just(Moment::Before), Just(Moment::Halfway), Just(Moment::After)],
        parallelism in 1..5_usize,
    ) {
        let (desired, asked) = (resolve(&files(&next)), approved(&first, &next));
        let usual = applied(&first);
        let before = usual.state().calls.len();
        usual.converge(&desired, &asked, parallelism);
        let calls = usual.state().calls.len() - before;
        let site = applied(&first);
        site.crash_at(at.index(calls.max(1)) as u64 + 1, when);
        let report = site.apply(&site.plan(&desired, &asked), parallelism);
        prop_assert!(calls == 0 || !report.converged());
        site.recover();
        site.converge(&desired, &asked, parallelism);
        prop_assert_eq!(Essence::of(&site.state()), Essence::of(&usual.state()));
    }

    #[test]
    fn one_worker_and_eight_reach_equal_states((first, next) in two_commits()) {
        let (desired, asked) = (resolve(&files(&next)), approved(&first, &next));
        let essences = [1, 8].map(|parallelism| {
            let site = applied(&first);
            site.converge(&desired, &asked, parallelism);
            assert!(site.engine.most_at_once() <= parallelism.max(4));
            Essence::of(&site.state())
        });
        prop_assert_eq!(&essences[0], &essences[1]);
    }

    #[test]
    fn no_data_goes_without_declared_intent((first, next) in two_commits()) {
        let site = applied(&first);
        let data = site.data();
        let desired = resolve(&files(&next));
        // Nobody knows what the last commit said, and nobody approves of anything.
        site.converge(&desired, &Asked::default(), 4);
        prop_assert_eq!(&site.data(), &data);
        // It is known now, and still nobody approves.
        site.converge(&desired, &Asked { removed: removed(&first, &next), approves: false, ..Asked::default() }, 4);
        prop_assert_eq!(&site.data(), &data);
    }

    #[test]
    fn an_empty_repository_removes_nothing(first in repository()) {
        let site = applied(&first);
        let before = site.state();
        let asked = Asked { removed: removed(&first, &Repository::new()), approves: false, ..Asked::default() };
        let empty = resolve(&files(&Repository::new()));
        let plan = site.plan(&empty, &asked);
        prop_assert!(plan.steps.is_empty() && !plan.blocked.is_empty());
        site.converge(&empty, &asked, 4);
        prop_assert_eq!(site.state(), before);
    }

    #[test]
    fn what_is_somebody_elses_is_never_touched(
        (first, next) in two_commits(),
        taken in prop::collection::vec(any::<Index>(), 0..3),
    ) {
        let desired = resolve(&files(&first));
        let names: Vec<String> = desired.workspaces.values()
            .flat_map(|w| [Role::Network, Role::Pod, Role::Home, Role::Component("c0".to_owned())]
                .map(|role| role.object_id(&desired.site, &w.id).name))
            .collect();
        let mut names: Vec<String> = taken.iter().map(|i| i.get(&names).clone()).collect();
        names.extend(["theirs".to_owned(), "lab".to_owned(), "lab.alice.other.home".to_owned()]);
        let site = Site::new();
        add_foreign(&site, &names);
        let before = of_others(&site);
        for (repository, asked) in [(&first, Asked::default()), (&next, approved(&first, &next))] {
            let desired = resolve(&files(repository));
            let report = site.apply(&site.plan(&desired, &asked), 4);
            prop_assert_eq!(report.counts().failed, 0, "{:#?}", report.failures().collect::<Vec<_>>());
        }
        prop_assert_eq!(of_others(&site), before);
    }

    #[test]
    fn whatever_somebody_else_does_is_repaired(
        first in repository(),
        doings in prop::collection::vec((0..5_u8, any::<Index>()), 1..4),
    ) {
        let site = applied(&first);
        let desired = resolve(&files(&first));
        meddle(&site, &doings);
        let data = site.data();
        site.converge(&desired, &Asked::default(), 4);
        prop_assert_eq!(site.data(), data);
    }

    #[test]
    fn the_order_of_files_and_documents_changes_no_plan(
        first in repository(),
        places in prop::collection::vec((0..4_u8, any::<u16>()), 16),
    ) {
        let texts = documents(&first);
        let (site, rest) = texts.split_first().unwrap();
        let mut placed: Vec<_> = rest.iter().zip(&places).map(|(text, (file, order))| (*file, *order, text)).collect();
        placed.sort();
        let mut scattered = vec![("wharf.yaml".to_owned(), site.clone())];
        for file in 0..4 {
            let texts: Vec<_> = placed.iter().filter(|(f, _, _)| *f == file).map(|(_, _, t)| t.as_str()).collect();
            if !texts.is_empty() {
                scattered.push((format!("folder-{file}/{}.yaml", 9 - file), texts.join("\n---\n")));
            }
        }
        let scattered = Files::of(scattered.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let json = |files: &Files| {
            let plan = plan(&resolve(files), &Default::default(), &Request::default()).unwrap();
            serde_json::to_string(&plan).unwrap()
        };
        prop_assert_eq!(json(&scattered), json(&files(&first)));
    }
}
