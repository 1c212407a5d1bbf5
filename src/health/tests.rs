//! Every transition: from each state, by what is known, to the one that follows.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const AT: u64 = 1_000;

fn now(seconds: u64) -> Now {
    Now {
        elapsed: Duration::from_secs(seconds),
        seconds: AT + seconds,
    }
}

/// A workspace that has been in a state for 5 seconds, of which it has been starting for as long, where it has.
fn ward(state: State) -> Ward {
    let health = Health {
        state,
        reason: None,
        since: AT,
    };
    let starting = (state == State::Starting).then_some(Duration::ZERO);
    Ward { health, starting }
}

/// All is well.
fn well() -> Facts {
    Facts {
        up: true,
        made: true,
        ..Facts::default()
    }
}

/// It is made, and one container has ended.
fn ended() -> Facts {
    Facts {
        down: vec!["tools has ended with exit code 3".to_owned()],
        ended: vec!["tools has ended with exit code 3".to_owned()],
        ..well()
    }
}

fn nothing() -> Facts {
    Facts {
        down: vec!["tools is not there".to_owned()],
        ..Facts::default()
    }
}

fn trouble(times: u32, given_up: bool) -> Trouble {
    Trouble {
        times,
        cause: "it fails".to_owned(),
        given_up,
    }
}

type Situation = (
    &'static str,
    Facts,
    Option<Work>,
    Option<Trouble>,
    State,
    Option<&'static str>,
);

/// Each situation with the state and the reason that follow from it, 5 seconds after whatever was before.
fn situations() -> Vec<Situation> {
    use State::{Error, Pending, Provisioning, Running, Starting, Stopped, Stopping, Suspended};
    let room = || Some("waits for room: it is full".to_owned());
    let wanted = |wanted, facts: Facts| Facts { wanted, ..facts };
    let unpassed = Facts {
        unpassed: vec!["the post-start commands have not passed".to_owned()],
        ..well()
    };
    let silent = Facts {
        silent: vec!["nothing answers at port 5432 of db (sql)".to_owned()],
        ..well()
    };
    let both = Facts {
        unpassed: unpassed.unpassed.clone(),
        silent: silent.silent.clone(),
        ..well()
    };
    let full = Facts {
        room: room(),
        ..nothing()
    };
    let full_and_up = Facts {
        room: room(),
        ..ended()
    };
    let refused = |facts: Facts| Facts {
        blocked: Some("the name is taken".to_owned()),
        ..facts
    };
    let going = Facts {
        wanted: Wanted::Gone,
        blocked: Some("too many go".to_owned()),
        ..well()
    };
    let fails = Some("it fails");
    let gone = Some("tools has ended with exit code 3");
    let missing = Some("tools is not there");
    vec![
        ("all is well", well(), None, None, Running, None),
        (
            "well but for a change that fails",
            well(),
            None,
            Some(trouble(9, false)),
            Running,
            fails,
        ),
        ("nothing is there", nothing(), None, None, Provisioning, missing),
        (
            "it is being made",
            nothing(),
            Some(Work::Provisioning),
            None,
            Provisioning,
            missing,
        ),
        (
            "it is being replaced",
            well(),
            Some(Work::Provisioning),
            None,
            Provisioning,
            None,
        ),
        (
            "making it failed",
            nothing(),
            None,
            Some(trouble(4, false)),
            Provisioning,
            fails,
        ),
        (
            "making it failed too often",
            nothing(),
            None,
            Some(trouble(5, false)),
            Error,
            fails,
        ),
        (
            "it is tried again",
            nothing(),
            Some(Work::Provisioning),
            Some(trouble(5, false)),
            Error,
            fails,
        ),
        (
            "it is being started",
            ended(),
            Some(Work::Starting),
            None,
            Starting,
            gone,
        ),
        ("a container has ended", ended(), None, None, Starting, gone),
        (
            "it waits for its next try",
            ended(),
            None,
            Some(trouble(1, false)),
            Starting,
            fails,
        ),
        (
            "it was given up",
            ended(),
            None,
            Some(trouble(5, true)),
            Error,
            fails,
        ),
        (
            "the commands run",
            unpassed,
            None,
            None,
            Starting,
            Some("the post-start commands have not passed"),
        ),
        (
            "a service is silent",
            silent,
            None,
            None,
            Starting,
            Some("nothing answers at port 5432 of db (sql)"),
        ),
        (
            "both",
            both,
            None,
            None,
            Starting,
            Some("the post-start commands have not passed; nothing answers at port 5432 of db (sql)"),
        ),
        (
            "there is no room",
            full,
            None,
            None,
            Pending,
            Some("waits for room: it is full"),
        ),
        ("it runs and needs none", full_and_up, None, None, Starting, gone),
        (
            "it can't be made",
            refused(nothing()),
            None,
            None,
            Error,
            Some("the name is taken"),
        ),
        (
            "it runs and can't be changed",
            refused(well()),
            None,
            None,
            Running,
            None,
        ),
        (
            "it is to stop",
            wanted(Wanted::Stopped, well()),
            None,
            None,
            Stopping,
            None,
        ),
        (
            "its stop fails",
            wanted(Wanted::Stopped, well()),
            None,
            Some(trouble(9, false)),
            Stopping,
            fails,
        ),
        (
            "it is down",
            wanted(Wanted::Stopped, nothing()),
            None,
            None,
            Stopped,
            None,
        ),
        (
            "it was given up and declared off",
            wanted(Wanted::Stopped, nothing()),
            None,
            Some(trouble(5, true)),
            Stopped,
            None,
        ),
        (
            "a person stops it",
            wanted(Wanted::Suspended, well()),
            Some(Work::Provisioning),
            None,
            Stopping,
            None,
        ),
        (
            "a person has stopped it",
            wanted(Wanted::Suspended, nothing()),
            None,
            None,
            Suspended,
            None,
        ),
        (
            "it goes",
            wanted(Wanted::Gone, well()),
            None,
            None,
            Stopping,
            None,
        ),
        (
            "its going waits",
            going,
            None,
            None,
            Stopping,
            Some("too many go"),
        ),
        (
            "its rests are there",
            wanted(Wanted::Gone, nothing()),
            None,
            None,
            Stopped,
            None,
        ),
    ]
}

#[test]
fn every_situation_leads_from_every_state_to_its_own() {
    let mut reached: BTreeMap<State, usize> = BTreeMap::new();
    for (what, facts, work, trouble, state, reason) in situations() {
        for before in State::ALL.map(Some).into_iter().chain([None]) {
            let seen = Seen {
                facts: &facts,
                work,
                trouble: trouble.as_ref(),
            };
            let after = Ward::next(before.map(ward).as_ref(), seen, now(5));
            assert_eq!(after.health.state, state, "{what}, from {before:?}");
            assert_eq!(after.health.reason.as_deref(), reason, "{what}, from {before:?}");
            let since = if before == Some(state) { AT } else { AT + 5 };
            assert_eq!(after.health.since, since, "{what}, from {before:?}");
        }
        *reached.entry(state).or_default() += 1;
    }
    assert_eq!(reached.len(), State::ALL.len(), "{reached:?}");
}

/// The states after each number of seconds, with the same facts all the time.
fn over_time(facts: &Facts, seconds: &[u64]) -> Vec<(State, u64)> {
    let mut before = None;
    let mut states = Vec::new();
    for at in seconds {
        let seen = Seen {
            facts,
            work: None,
            trouble: None,
        };
        let ward = Ward::next(before.as_ref(), seen, now(*at));
        states.push((ward.health.state, ward.health.since - AT));
        before = Some(ward);
    }
    states
}

#[test]
fn a_start_takes_thirty_seconds_at_most_or_as_long_as_the_devfile_says() {
    use State::{Error, Starting};
    assert_eq!(
        over_time(&ended(), &[0, 29, 30, 31]),
        [(Starting, 0), (Starting, 0), (Error, 30), (Error, 30)]
    );
    let patient = Facts {
        patience: 90,
        ..ended()
    };
    assert_eq!(
        over_time(&patient, &[0, 89, 90]),
        [(Starting, 0), (Starting, 0), (Error, 90)]
    );
    let hasty = Facts {
        patience: 3,
        ..ended()
    };
    assert_eq!(over_time(&hasty, &[0, 29, 30]).last(), Some(&(Error, 30)));
}

#[test]
fn who_was_late_says_for_what_and_a_new_commit_gives_it_time_again() {
    let facts = ended();
    let seen = Seen {
        facts: &facts,
        work: None,
        trouble: None,
    };
    let begun = Ward::next(None, seen, now(0));
    assert_eq!(begun.overdue(&facts), Some(Duration::from_secs(30)));
    let mut late = Ward::next(Some(&begun), seen, now(30));
    assert_eq!(
        late.health.reason.as_deref(),
        Some("not ready after 30 s: tools has ended with exit code 3")
    );
    assert_eq!(late.overdue(&facts), None);
    // A new try alone changes nothing: it has not been ready since.
    let work = Seen {
        work: Some(Work::Starting),
        ..seen
    };
    assert_eq!(Ward::next(Some(&late), work, now(31)).health.state, State::Error);
    late.afresh();
    assert_eq!(
        Ward::next(Some(&late), work, now(31)).health.state,
        State::Starting
    );
}

#[test]
fn the_states_have_the_words_of_their_json_form() {
    for state in State::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}

proptest! {
    #[test]
    fn a_healthy_world_leads_to_running_whatever_came_before(
        steps in prop::collection::vec((0..situations().len(), 0..100_u64), 0..20),
    ) {
        let all = situations();
        let (mut before, mut at): (Option<Ward>, u64) = (None, 0);
        for (which, later) in steps {
            at += later;
            let (_, facts, work, trouble, _, _) = &all[which];
            let seen = Seen { facts, work: *work, trouble: trouble.as_ref() };
            let after = Ward::next(before.as_ref(), seen, now(at));
            let same = before.as_ref().filter(|before| before.health.state == after.health.state);
            prop_assert_eq!(after.health.since, same.map_or(AT + at, |before| before.health.since));
            before = Some(after);
        }
        let facts = well();
        let seen = Seen { facts: &facts, work: None, trouble: None };
        let ward = Ward::next(before.as_ref(), seen, now(at + 1));
        prop_assert_eq!(ward.health.state, State::Running);
        prop_assert_eq!(ward.health.reason, None);
    }
}
