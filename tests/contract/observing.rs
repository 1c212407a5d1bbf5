//! Observation: what is the site's, what is not, and what is said of each object.

use futures_util::StreamExt as _;
use wharf::engine::EngineError;
use wharf::model::{Kind, NetworkSpec, ObjectId, Role, Spec, VolumeSpec};

use crate::yard::{Plot, Yard, create, tools};

pub(crate) async fn an_engine_says_what_it_is(yard: &Yard<'_>) {
    let facts = yard.engine().facts().await.unwrap();
    assert!(facts.version.contains(|c: char| c.is_ascii_digit()), "{facts:?}");
    assert_eq!(yard.observe().await.facts, facts);
    let memory = facts
        .memory
        .expect("what workspaces are promised is measured against it");
    assert!(memory > 64 << 20, "{memory}");
    assert!(!yard.engine().address().is_empty());
}

pub(crate) async fn an_engine_that_is_not_there_is_unreachable(yard: &Yard<'_>) {
    let engine = yard.fixture.absent();
    let unreachable = |error: &EngineError| {
        matches!(error, EngineError::Unreachable { address, .. }
        if *address == engine.address())
    };
    assert!(unreachable(&engine.facts().await.unwrap_err()));
    assert!(unreachable(
        &engine.observe(yard.fixture.site()).await.unwrap_err()
    ));
    assert!(unreachable(&engine.sites().await.unwrap_err()));
    let spec = NetworkSpec::default();
    let created = engine.create_network(create("x", &spec, &[].into())).await;
    assert!(unreachable(&created.unwrap_err()));
}

pub(crate) async fn the_processor_time_of_what_runs_is_known(yard: &Yard<'_>) {
    let site = yard.fixture.site();
    let known = async || yard.engine().processor_times(site).await.unwrap();
    assert!(known().await.is_empty());
    yard.ground().await;
    let id = yard.running(&Plot::default()).await;
    let there = known().await;
    if crate::machine::measures_processors() {
        let first = there[&yard.workspace];
        let second = known().await[&yard.workspace];
        // It sleeps.
        assert!(
            first <= second && second < std::time::Duration::from_secs(60),
            "{first:?} {second:?}"
        );
    }
    assert!(there.keys().all(|workspace| *workspace == yard.workspace));
    yard.engine().stop_container(&id).await.unwrap();
    assert!(known().await.is_empty());
}

pub(crate) async fn what_was_created_is_observed_whole(yard: &Yard<'_>) {
    assert!(yard.observe().await.objects.is_empty(), "nothing is there yet");
    let network = yard.network().await.unwrap();
    let home = yard.volume(&Role::Home, false).await.unwrap();
    let pod = yard.pod().await.unwrap();
    let plot = Plot {
        mounts: vec![(Role::Home, "/home/user")],
        ..Plot::default()
    };
    let container = yard.running(&plot).await;
    let observed = yard.observe().await;
    let roles = [Role::Network, Role::Home, Role::Pod, tools()];
    let ids = [&network, &home, &pod, &container];
    assert_eq!(
        observed.objects.len(),
        4,
        "infra containers are part of their pods"
    );
    for (role, id) in roles.iter().zip(ids) {
        let object = yard.object(role);
        let found = &observed.objects[&object];
        assert_eq!((&found.object, &found.id, &found.owner.role), (&object, id, role));
        assert!(!observed.foreign.contains(&object));
    }
    let image = &observed.images[yard.fixture.image()].id;
    let found = &observed.objects[&yard.object(&tools())];
    assert_eq!(
        (found.pod.as_ref(), found.image.as_ref()),
        (Some(&pod), Some(image))
    );
    let found = &observed.objects[&yard.object(&Role::Pod)];
    assert_eq!(found.networks, [yard.object(&Role::Network).name]);
    assert!(found.pod.is_some(), "the infra container");
    let mine = |object: &&ObjectId| object.name.starts_with(yard.fixture.site().as_str());
    assert_eq!(observed.foreign.iter().filter(mine).count(), 0);
}

pub(crate) async fn objects_without_the_sites_label_are_foreign(yard: &Yard<'_>) {
    let kinds = [Kind::Network, Kind::Volume, Kind::Pod, Kind::Container];
    let objects = kinds.map(|kind| ObjectId::new(kind, format!("{}.theirs.{kind}", yard.fixture.site())));
    for object in &objects {
        yard.fixture.add_foreign(object);
    }
    let observed = yard.observe().await;
    assert!(observed.objects.is_empty());
    for object in &objects {
        assert!(observed.foreign.contains(object), "{object}");
    }
    let volume = &observed.volumes[&objects[1].name];
    let id = yard.engine().incarnation(&objects[1]).await.unwrap();
    assert_eq!(volume.id.to_string(), id);
    assert_eq!((&volume.site, &volume.elsewhere), (&None, &None));
}

pub(crate) async fn labels_that_are_not_whole_make_an_object_foreign(yard: &Yard<'_>) {
    let spec = Spec::Volume(VolumeSpec::default());
    let mut labels = yard.labels(&Role::Home, &spec);
    labels.remove(wharf::model::labels::HASH);
    let home = yard.object(&Role::Home);
    yard.engine().create_mark(&home.name, &labels).await.unwrap();
    let observed = yard.observe().await;
    assert!(!observed.objects.contains_key(&home) && observed.foreign.contains(&home));
}

/// A volume and a network of the test's other site.
async fn another_sites(yard: &Yard<'_>) -> [ObjectId; 2] {
    let site = yard.fixture.other_site();
    let objects = [Role::Home, Role::Network].map(|role| role.object_id(site, &"bob/api".parse().unwrap()));
    let volume = (VolumeSpec::default(), NetworkSpec::default());
    let owner = yard.owner(site, &Role::Home, &Spec::Volume(volume.0.clone()));
    let labels = owner.to_labels();
    yard.engine()
        .create_volume(create(&objects[0].name, &volume.0, &labels))
        .await
        .unwrap();
    let owner = yard.owner(site, &Role::Network, &Spec::Network(volume.1.clone()));
    let labels = owner.to_labels();
    yard.engine()
        .create_network(create(&objects[1].name, &volume.1, &labels))
        .await
        .unwrap();
    objects
}

pub(crate) async fn another_sites_objects_are_foreign(yard: &Yard<'_>) {
    let theirs = another_sites(yard).await;
    yard.volume(&Role::Home, false).await.unwrap();
    let observed = yard.observe().await;
    assert_eq!(
        observed.objects.keys().collect::<Vec<_>>(),
        [&yard.object(&Role::Home)]
    );
    assert!(theirs.iter().all(|object| observed.foreign.contains(object)));
    let volume = &observed.volumes[&theirs[0].name];
    assert_eq!(volume.site.as_deref(), Some(yard.fixture.other_site().as_str()));
    assert!(!observed.volumes.contains_key(&yard.object(&Role::Home).name));
    let observed = yard.engine().observe(yard.fixture.other_site()).await.unwrap();
    assert!(theirs.iter().all(|object| observed.objects.contains_key(object)));
    assert!(observed.foreign.contains(&yard.object(&Role::Home)));
}

pub(crate) async fn one_workspace_is_observed_as_all_of_them_are(yard: &Yard<'_>) {
    another_sites(yard).await;
    for workspace in ["alice/api", "alice/api2", "bob/api"] {
        let yard = yard.beside(workspace);
        yard.ground().await;
        yard.volume(&Role::Home, false).await.unwrap();
        yard.running(&Plot::default()).await;
        yard.mark("cloned-api", "x").await.unwrap();
    }
    let mut all = yard.observe().await.objects;
    let workspace = "alice/api".parse().unwrap();
    let one = yard
        .engine()
        .observe_workspace(yard.fixture.site(), &workspace)
        .await
        .unwrap();
    all.retain(|_, object| object.owner.workspace == workspace);
    assert_eq!(one.len(), 5);
    assert_eq!(one, all);
    assert!(
        one[&yard.object(&Role::Pod)].run.is_running(),
        "its infra container is seen"
    );
}

pub(crate) async fn every_site_with_an_object_is_listed(yard: &Yard<'_>) {
    let (own, other) = (yard.fixture.site(), yard.fixture.other_site());
    let sites = yard.engine().sites().await.unwrap();
    assert!(!sites.contains(own) && !sites.contains(other));
    another_sites(yard).await;
    yard.network().await.unwrap();
    let sites = yard.engine().sites().await.unwrap();
    assert!(sites.contains(own) && sites.contains(other));
}

pub(crate) async fn a_mark_says_what_it_was_made_for(yard: &Yard<'_>) {
    let home = yard.volume(&Role::Home, false).await.unwrap();
    let mark = yard.mark("cloned-api", &home.to_string()).await.unwrap();
    let observed = yard.observed(&Role::Mark("cloned-api".to_owned())).await;
    assert_eq!(
        (observed.id, observed.owner.subject),
        (mark, Some(home.to_string()))
    );
}

pub(crate) async fn what_a_container_wrote_is_measured(yard: &Yard<'_>) {
    yard.ground().await;
    yard.volume(&Role::Home, false).await.unwrap();
    let plot = Plot {
        mounts: vec![(Role::Home, "/home/user")],
        ..Plot::default()
    };
    let id = yard.running(&plot).await;
    let before = yard.engine().written(&id).await.unwrap();
    yard.fixture
        .write(&id, "/home/user/kept", &"x".repeat(50_000))
        .await;
    let between = yard.engine().written(&id).await.unwrap();
    assert!(between < before + 50_000, "what is in a volume is not lost");
    yard.fixture.write(&id, "/tmp/lost", &"x".repeat(50_000)).await;
    assert!(yard.engine().written(&id).await.unwrap() >= between + 50_000);
}

pub(crate) async fn what_happens_to_the_sites_objects_is_told(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.running(&Plot::default()).await;
    let mut events = yard.engine().events(yard.fixture.site());
    // Nobody says from when on an engine listens, so something happens until it is heard of.
    let happening = async {
        loop {
            yard.engine().stop_container(&id).await.unwrap();
            yard.start(&id).await;
        }
    };
    let heard = async {
        tokio::select! {
            event = events.next() => event,
            () = happening => None,
        }
    };
    let heard = tokio::time::timeout(std::time::Duration::from_secs(60), heard).await;
    let event = heard
        .expect("within a minute")
        .expect("the stream goes on")
        .unwrap();
    // Not every engine says whose it was.
    let whose = event
        .workspace
        .is_none_or(|workspace| workspace == yard.workspace);
    assert!(whose);
}
