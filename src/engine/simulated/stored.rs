//! What is looked at beside the site's own objects: images and volumes, whoever's they are, and processor time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::objects::{conflict, not_found};
use super::state::State;
use crate::engine::{ImageRef, Result};
use crate::model::{
    EngineId, ForeignVolume, Kind, Name, ObjectId, Ownership, StoredImage, WorkspaceId, labels,
};

impl State {
    pub(super) fn stored_images(&self) -> Vec<StoredImage> {
        let mut found: BTreeMap<&EngineId, StoredImage> = BTreeMap::new();
        for (name, id) in &self.images {
            let image = found.entry(id).or_insert_with(|| StoredImage {
                id: id.clone(),
                labels: self.image_labels.get(id).cloned().unwrap_or_default(),
                created: self.clock,
                containers: self.made_from(id).cloned().collect(),
                ..StoredImage::default()
            });
            image.names.push(name.clone());
        }
        found.into_values().collect()
    }

    /// The volumes among what is somebody else's.
    pub(super) fn foreign_volumes(&self, foreign: &BTreeSet<ObjectId>) -> BTreeMap<String, ForeignVolume> {
        let volumes = foreign.iter().filter(|object| object.kind == Kind::Volume);
        let seen = |object: &ObjectId| {
            let volume = self.volumes.get(&object.name)?;
            let found = ForeignVolume {
                id: volume.id.clone(),
                site: volume.labels.get(labels::SITE).cloned(),
                elsewhere: None,
                used_by: Vec::new(),
            };
            Some((object.name.clone(), found))
        };
        volumes.filter_map(seen).collect()
    }

    /// The processor time of the workspaces whose containers run.
    pub(super) fn processor_times(&self, site: &Name) -> BTreeMap<WorkspaceId, Duration> {
        let mut times = BTreeMap::new();
        for container in self.containers.values().filter(|c| c.run.is_running()) {
            let owner = Ownership::from_labels(&container.labels).filter(|owner| owner.site == *site);
            if let Some(owner) = owner {
                let sum: &mut Duration = times.entry(owner.workspace).or_default();
                *sum += Duration::from_millis(container.processor_millis);
            }
        }
        times
    }

    pub(super) fn volume_sizes(&self) -> BTreeMap<String, u64> {
        let bytes = |files: &BTreeMap<String, String>| files.values().map(|text| text.len() as u64).sum();
        let volumes = self.volumes.iter();
        volumes
            .map(|(name, volume)| (name.clone(), bytes(&volume.files)))
            .collect()
    }

    pub(super) fn remove_image(&mut self, image: ImageRef<'_>) -> Result<()> {
        if self.images.get(image.name) != Some(image.id) {
            return Err(not_found(Kind::Image, image.name));
        }
        if let Some(user) = self.made_from(image.id).next() {
            return Err(conflict(format!("image {} is used by {user}", image.name)));
        }
        self.images.remove(image.name);
        if !self.images.values().any(|id| id == image.id) {
            self.image_labels.remove(image.id);
        }
        Ok(())
    }

    /// The containers that were made from an image.
    fn made_from<'a>(&'a self, image: &'a EngineId) -> impl Iterator<Item = &'a String> {
        let containers = self.containers.iter();
        containers
            .filter(move |(_, c)| c.image == *image)
            .map(|(name, _)| name)
    }
}
