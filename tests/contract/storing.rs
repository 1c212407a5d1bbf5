//! What is looked at and removed to clean up: images and their users, volumes' sizes.

use wharf::engine::ImageRef;
use wharf::model::labels::SITE;
use wharf::model::{EngineId, Role, StoredImage};

use crate::creating::built;
use crate::yard::{Plot, Yard, assert_conflict, assert_not_found, tools};

async fn find(yard: &Yard<'_>, name: &str) -> Option<StoredImage> {
    let images = yard.engine().images().await.unwrap();
    images
        .into_iter()
        .find(|image| image.names.iter().any(|n| n == name))
}

pub(crate) async fn a_built_image_is_listed_with_its_labels_and_users_and_removed_without_them(
    yard: &Yard<'_>,
) {
    let engine = yard.engine();
    let (image, labels) = built(yard, "COPY hello /hello");
    engine.ensure_image(&image, &labels, &|_| {}).await.unwrap();
    let name = image.reference.as_str();
    let found = find(yard, name).await.unwrap();
    assert_eq!(found.labels.get(SITE), labels.get(SITE));
    assert_eq!(found.containers, [""; 0]);
    assert!(found.created > 1_500_000_000, "{}", found.created);
    // Its base is another image, without the label.
    let base = find(yard, yard.fixture.image()).await.unwrap();
    assert!(base.id != found.id && !base.labels.contains_key(SITE));
    yard.ground().await;
    let mut spec = yard.container_spec(&Plot::default());
    spec.image = image.reference.clone();
    let container = yard.container_as(&spec, &Plot::default()).await.unwrap();
    let users = find(yard, name).await.unwrap().containers;
    assert_eq!(users, [yard.object(&tools()).name]);
    let id = &found.id;
    assert_conflict(&engine.remove_image(ImageRef { name, id }).await);
    assert!(find(yard, name).await.is_some());
    engine.remove_container(&container).await.unwrap();
    engine.remove_image(ImageRef { name, id }).await.unwrap();
    assert_eq!(find(yard, name).await, None);
    assert!(find(yard, yard.fixture.image()).await.is_some(), "its base stays");
}

pub(crate) async fn an_image_of_another_id_or_without_the_name_is_not_found(yard: &Yard<'_>) {
    let engine = yard.engine();
    let (image, labels) = built(yard, "COPY hello /hello");
    engine.ensure_image(&image, &labels, &|_| {}).await.unwrap();
    let name = image.reference.as_str();
    let id = &EngineId("0".repeat(64));
    assert_not_found(&engine.remove_image(ImageRef { name, id }).await);
    let id = &find(yard, name).await.unwrap().id;
    engine.remove_image(ImageRef { name, id }).await.unwrap();
    assert_not_found(&engine.remove_image(ImageRef { name, id }).await);
}

pub(crate) async fn a_volumes_size_is_that_of_its_files(yard: &Yard<'_>) {
    yard.ground().await;
    yard.volume(&Role::Home, false).await.unwrap();
    let plot = Plot {
        mounts: vec![(Role::Home, "/home/user")],
        ..Plot::default()
    };
    let container = yard.running(&plot).await;
    let text = "x".repeat(100_000);
    yard.fixture.write(&container, "/home/user/file", &text).await;
    let sizes = yard.engine().volume_sizes().await.unwrap();
    let size = sizes[&yard.object(&Role::Home).name];
    assert!((100_000..200_000).contains(&size), "{size}");
}
