//! Creating objects: names, ingredients, labels, images.

use wharf::engine::EngineError;
use wharf::model::spec::ContextFile;
use wharf::model::{ImageSource, ImageSpec, Labels, Role, Spec};

use crate::yard::{Plot, Yard, assert_conflict, create, tools};

pub(crate) async fn a_name_that_is_taken_is_a_conflict(yard: &Yard<'_>) {
    yard.ground().await;
    assert_conflict(&yard.network().await);
    assert_conflict(&yard.pod().await);
    yard.volume(&Role::Home, false).await.unwrap();
    assert_conflict(&yard.volume(&Role::Home, false).await);
    yard.mark("done", "x").await.unwrap();
    assert_conflict(&yard.mark("done", "x").await);
    yard.container(&Plot::default()).await.unwrap();
    assert_conflict(&yard.container(&Plot::default()).await);
}

pub(crate) async fn a_container_without_its_image_is_an_image_error(yard: &Yard<'_>) {
    yard.ground().await;
    let mut spec = yard.container_spec(&Plot::default());
    spec.image = "localhost/there-is-no-such-image:1".to_owned();
    let created = yard.container_as(&spec, &Plot::default()).await;
    assert!(matches!(created, Err(EngineError::Image { .. })), "{created:?}");
    assert!(!yard.observe().await.objects.contains_key(&yard.object(&tools())));
}

pub(crate) async fn a_container_without_its_pod_is_refused(yard: &Yard<'_>) {
    yard.network().await.unwrap();
    yard.container(&Plot::default()).await.unwrap_err();
    assert!(!yard.observe().await.objects.contains_key(&yard.object(&tools())));
}

pub(crate) async fn a_container_never_makes_a_volume(yard: &Yard<'_>) {
    yard.ground().await;
    let plot = Plot {
        mounts: vec![(Role::Home, "/home/user")],
        ..Plot::default()
    };
    yard.container(&plot).await.unwrap_err();
    let observed = yard.observe().await;
    let home = yard.object(&Role::Home);
    assert!(!observed.objects.contains_key(&home) && !observed.foreign.contains(&home));
    assert!(!observed.objects.contains_key(&yard.object(&tools())));
}

pub(crate) async fn a_pod_without_its_network_is_refused(yard: &Yard<'_>) {
    yard.pod().await.unwrap_err();
    assert!(yard.observe().await.objects.is_empty());
}

pub(crate) async fn labels_read_back_to_the_letter(yard: &Yard<'_>) {
    let odd = "\"quoted\" 'too' a=b,c;d {e} %2f é 中 \\n\nnext line\ttab ";
    yard.ground().await;
    let spec = yard.container_spec(&Plot::default());
    let mut owner = yard.owner(yard.fixture.site(), &tools(), &Spec::Container(spec.clone()));
    owner.commit = Some(odd.to_owned());
    let labels = owner.to_labels();
    let name = yard.object(&tools()).name;
    let container = create(name.as_str(), &spec, &labels);
    yard.engine()
        .create_container(container, &Default::default())
        .await
        .unwrap();
    assert_eq!(yard.observed(&tools()).await.owner, owner);
    for role in [Role::Home, Role::Mark("odd".to_owned())] {
        let mut owner = yard.owner(yard.fixture.site(), &role, &Spec::Volume(Default::default()));
        owner.commit = Some(odd.to_owned());
        let name = yard.object(&role).name;
        yard.engine()
            .create_mark(&name, &owner.to_labels())
            .await
            .unwrap();
        assert_eq!(yard.observed(&role).await.owner, owner);
    }
}

pub(crate) async fn a_specification_of_ten_kilobytes_reads_back(yard: &Yard<'_>) {
    yard.ground().await;
    let mut spec = yard.container_spec(&Plot::default());
    spec.env = (0..100)
        .map(|i| (format!("VARIABLE_{i}"), "v".repeat(100)))
        .collect();
    yard.container_as(&spec, &Plot::default()).await.unwrap();
    let spec = Spec::Container(spec);
    let observed = yard.observed(&tools()).await;
    assert!(observed.owner.identity.spec.len() > 10_000);
    assert_eq!(observed.owner, yard.owner(yard.fixture.site(), &tools(), &spec));
}

fn image(reference: &str, source: ImageSource) -> ImageSpec {
    let reference = reference.to_owned();
    ImageSpec { reference, source }
}

pub(crate) async fn an_image_that_is_there_is_left_as_it_is(yard: &Yard<'_>) {
    let before = yard.observe().await.images;
    let image = image(yard.fixture.image(), ImageSource::Pull);
    yard.engine()
        .ensure_image(&image, &Labels::new(), &|_| {})
        .await
        .unwrap();
    let reference = yard.fixture.image();
    assert!(
        before.contains_key(reference),
        "{reference} is observed by its name"
    );
    assert_eq!(before.get(reference), yard.observe().await.images.get(reference));
}

pub(crate) async fn an_image_that_nobody_has_is_an_image_error(yard: &Yard<'_>) {
    let image = image("localhost/there-is-no-such-image:1", ImageSource::Pull);
    let had = yard.engine().ensure_image(&image, &Labels::new(), &|_| {}).await;
    assert!(matches!(had, Err(EngineError::Image { .. })), "{had:?}");
}

/// An image of this test's own, from `text` after the line that names its base.
pub(crate) fn built(yard: &Yard<'_>, text: &str) -> (ImageSpec, Labels) {
    let containerfile = format!("FROM {}\n{text}\n", yard.fixture.image());
    let source = ImageSource::Build {
        containerfile: "sub/Containerfile".to_owned(),
        context: vec![
            ContextFile {
                path: "hello".to_owned(),
                executable: false,
                content: b"hello".as_slice().into(),
            },
            ContextFile {
                path: "sub/Containerfile".to_owned(),
                executable: false,
                content: containerfile.as_bytes().into(),
            },
        ],
        args: Vec::new(),
    };
    let site = yard.fixture.site();
    let labels = Labels::from([(wharf::model::labels::SITE.to_owned(), site.to_string())]);
    (image(&format!("localhost/{site}:1"), source), labels)
}

pub(crate) async fn an_image_is_built_and_then_there(yard: &Yard<'_>) {
    let (image, labels) = built(yard, "COPY hello /hello");
    yard.engine()
        .ensure_image(&image, &labels, &|_| {})
        .await
        .unwrap();
    assert!(yard.observe().await.images.contains_key(&image.reference));
    yard.ground().await;
    let mut spec = yard.container_spec(&Plot::default());
    spec.image = image.reference;
    let id = yard.container_as(&spec, &Plot::default()).await.unwrap();
    yard.start(&id).await;
}

pub(crate) async fn a_build_that_fails_is_an_image_error_and_leaves_no_image(yard: &Yard<'_>) {
    let (image, labels) = built(yard, "COPY FAIL /nowhere");
    let had = yard.engine().ensure_image(&image, &labels, &|_| {}).await;
    assert!(matches!(had, Err(EngineError::Image { .. })), "{had:?}");
    assert!(!yard.observe().await.images.contains_key(&image.reference));
}
