//! What is looked at and removed to clean up: every image with its users, volumes' sizes.

use std::collections::{BTreeMap, BTreeSet};

use podman_api::models;
use podman_api::opts::ContainerListOpts;
use serde::Deserialize;

use super::fault::Call;
use super::http::{Api, Endpoint, IDLE};
use super::observe::{OWN_LABELS, Reader, image_id};
use crate::engine::{EngineError, ImageRef, Result};
use crate::model::StoredImage;

/// `GET /libpod/images/{name}/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
}

/// `GET /libpod/system/df`, which walks every volume's files.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DiskUse {
    volumes: Option<Vec<VolumeUse>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeUse {
    volume_name: String,
    size: i64,
}

impl Reader {
    pub(super) async fn stored_images(&self) -> Result<Vec<StoredImage>> {
        let all = ContainerListOpts::builder().all(true).build();
        let (images, containers) = tokio::try_join!(self.images(), self.containers(&all))?;
        let mut users: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for container in &containers {
            let name = container.names.iter().flatten().next().cloned();
            let image = container.image_id.as_deref().unwrap_or_default();
            users
                .entry(image)
                .or_default()
                .extend(name.or_else(|| container.id.clone()));
        }
        Ok(images.iter().filter_map(|image| stored(image, &users)).collect())
    }
}

fn stored(
    listed: &models::LibpodImageSummary,
    users: &BTreeMap<&str, BTreeSet<String>>,
) -> Option<StoredImage> {
    let id = listed.id.as_deref()?;
    let names: BTreeSet<&String> = listed
        .names
        .iter()
        .chain(&listed.repo_tags)
        .chain(&listed.repo_digests)
        .flatten()
        .collect();
    let own = listed
        .labels
        .iter()
        .flatten()
        .filter(|(key, _)| key.starts_with(OWN_LABELS));
    Some(StoredImage {
        id: image_id(id),
        names: names.into_iter().cloned().collect(),
        labels: own.map(|(key, value)| (key.clone(), value.clone())).collect(),
        created: listed.created.unwrap_or_default(),
        bytes: listed
            .size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or_default(),
        containers: users
            .iter()
            .filter(|(image, _)| image_id(image) == image_id(id))
            .flat_map(|(_, names)| names.iter().cloned())
            .collect(),
    })
}

impl Api {
    pub(super) async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>> {
        let call = Call::new("measure the volumes", "");
        let found: DiskUse = self
            .get_within(call, IDLE, &Endpoint::new(&["system", "df"]))
            .await?;
        let size = |volume: VolumeUse| Some((volume.volume_name, u64::try_from(volume.size).ok()?));
        Ok(found.volumes.into_iter().flatten().filter_map(size).collect())
    }

    pub(super) async fn remove_image(&self, image: ImageRef<'_>) -> Result<()> {
        let missing = |error| match error {
            EngineError::Image { .. } => EngineError::NotFound(format!("image {}", image.name)),
            other => other,
        };
        let call = Call::new("inspect image", image.name);
        let endpoint = Endpoint::new(&["images", image.name, "json"]);
        let found: Image = self.get(call, &endpoint).await.map_err(missing)?;
        if image_id(&found.id) != *image.id {
            return Err(EngineError::NotFound(format!(
                "image {} of that time (another one has its name)",
                image.name
            )));
        }
        let call = Call::new("remove image", image.name);
        let endpoint = Endpoint::new(&["images", image.name]);
        self.delete(call, &endpoint).await.map(drop).map_err(missing)
    }
}
