//! Components.

use super::{Reading, attributes, env, flag, full_text, list, map, text, texts};
use crate::devfile::component::{
    Annotation, Cluster, Component, ComponentKind, Container, Containerfile, Endpoint, Exposure, Image,
    Platform, Protocol, Volume, VolumeMount,
};
use crate::devfile::overrides::Overrides;
use crate::devfile::readiness::Readiness;
use crate::devfile::root::Attributes;
use crate::devfile::rules::{endpoint_port, quantity};
use crate::document::{Node, Spanned};

impl Reading<'_> {
    pub(super) fn components(&mut self, root: &Node) -> Vec<Component> {
        let mut components = Vec::new();
        for node in list(root.get("components")) {
            match self.component(node) {
                Some(component) => components.push(component),
                None => self.unread.components.add(node.get("name")),
            }
        }
        components
    }

    /// Lays over each container what its own attributes say, or those of the pod that all containers are in: of these the
    /// devfile's win over its components', and a later component's over an earlier one's.
    pub(super) fn override_containers(&mut self, components: &mut [Component], devfile: &Attributes) {
        let mut pod = Overrides::of_pod(devfile, &mut self.found);
        for component in components.iter().rev() {
            pod = pod.or(Overrides::of_pod(&component.attributes, &mut self.found));
        }
        for component in components {
            let (attributes, found) = (&component.attributes, &mut self.found);
            match &mut component.kind {
                ComponentKind::Container(container) => {
                    container.change(Overrides::of_container(attributes, found).or(pod.clone()));
                    container.readiness = Readiness::of(attributes, found);
                }
                ComponentKind::Volume(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => {
                    Overrides::no_container(attributes, &component.name.value, found);
                }
            }
        }
    }

    fn component(&mut self, node: &Node) -> Option<Component> {
        let kind = |key| node.get(key);
        let kind = match (
            kind("container"),
            kind("volume"),
            kind("image"),
            kind("kubernetes"),
            kind("openshift"),
        ) {
            (Some(n), None, None, None, None) => ComponentKind::Container(self.container(n)?),
            (None, Some(n), None, None, None) => ComponentKind::Volume(self.volume(n)),
            (None, None, Some(n), None, None) => ComponentKind::Image(image(n)?),
            (None, None, None, Some(n), None) => {
                ComponentKind::Cluster(self.cluster(n, Platform::Kubernetes))
            }
            (None, None, None, None, Some(n)) => ComponentKind::Cluster(self.cluster(n, Platform::Openshift)),
            _ => return None, // none or several: not one kind
        };
        Some(Component {
            name: text(node, "name")?,
            kind,
            attributes: attributes(node),
        })
    }

    fn container(&mut self, node: &Node) -> Option<Container> {
        let annotation = node.get("annotation");
        let annotations = |key| {
            let entries = map(annotation.and_then(|a| a.get(key)));
            let read = entries.filter_map(|(key, value)| Some((key, super::spanned(value)?)));
            read.collect()
        };
        let container = Container {
            image: text(node, "image")?,
            command: texts(node, "command"),
            args: texts(node, "args"),
            env: env(node),
            volume_mounts: volume_mounts(node),
            memory_limit: self.quantity(node, "memoryLimit"),
            memory_request: self.quantity(node, "memoryRequest"),
            cpu_limit: self.quantity(node, "cpuLimit"),
            cpu_request: self.quantity(node, "cpuRequest"),
            mount_sources: flag(node, "mountSources").unwrap_or(true),
            source_mapping: full_text(node, "sourceMapping"),
            dedicated_pod: flag(node, "dedicatedPod").unwrap_or(false),
            endpoints: self.endpoints(node),
            annotation: Annotation {
                deployment: annotations("deployment"),
                service: annotations("service"),
                shared: flag(node, "dedicatedPod") == Some(false),
            },
            user: None,
            working_dir: None,
            stop_timeout: None,
            readiness: Readiness::default(), // from the component's attributes
        };
        Some(container)
    }

    fn quantity<T>(&mut self, node: &Node, key: &str) -> Option<Spanned<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        quantity::parse(text(node, key), &mut self.found)
    }

    fn endpoints(&mut self, node: &Node) -> Vec<Endpoint> {
        let items = list(node.get("endpoints")).iter();
        items.filter_map(|item| self.endpoint(item)).collect()
    }

    fn endpoint(&mut self, node: &Node) -> Option<Endpoint> {
        Some(Endpoint {
            name: text(node, "name")?,
            target_port: endpoint_port::read(node.get("targetPort")?, &mut self.found)?,
            exposure: match node.get("exposure").and_then(Node::as_str) {
                Some("internal") => Exposure::Internal,
                Some("none") => Exposure::None,
                Some(_) | None => Exposure::Public,
            },
            protocol: match node.get("protocol").and_then(Node::as_str) {
                Some("https") => Protocol::Https,
                Some("ws") => Protocol::Ws,
                Some("wss") => Protocol::Wss,
                Some("tcp") => Protocol::Tcp,
                Some("udp") => Protocol::Udp,
                Some(_) | None => Protocol::Http,
            },
            secure: flag(node, "secure").unwrap_or(false),
            path: full_text(node, "path"),
            attributes: attributes(node),
        })
    }

    fn volume(&mut self, node: &Node) -> Volume {
        Volume {
            size: self.quantity(node, "size"),
            ephemeral: flag(node, "ephemeral").unwrap_or(false),
        }
    }

    /// What is skipped is read all the same: its endpoints' names count.
    fn cluster(&mut self, node: &Node, platform: Platform) -> Cluster {
        Cluster {
            platform,
            endpoints: self.endpoints(node),
        }
    }
}

fn volume_mounts(node: &Node) -> Vec<VolumeMount> {
    let read = |item: &Node| {
        Some(VolumeMount {
            name: text(item, "name")?,
            path: full_text(item, "path"),
        })
    };
    list(node.get("volumeMounts")).iter().filter_map(read).collect()
}

fn image(node: &Node) -> Option<Image> {
    let source = node.get("dockerfile")?;
    Some(Image {
        image_name: text(node, "imageName")?,
        containerfile: containerfile(source)?,
        build_context: full_text(source, "buildContext"),
        args: texts(source, "args").unwrap_or_default(),
        root_required: flag(source, "rootRequired").unwrap_or(false),
        auto_build: flag(node, "autoBuild"),
    })
}

fn containerfile(node: &Node) -> Option<Containerfile> {
    match (node.get("uri"), node.get("git"), node.get("devfileRegistry")) {
        (Some(_), None, None) => Some(Containerfile::Uri(text(node, "uri")?)),
        (None, Some(git), None) => Some(Containerfile::Git {
            git: super::projects::git(git)?,
            file: full_text(git, "fileLocation"),
            span: git.span,
        }),
        (None, None, Some(registry)) => Some(Containerfile::Registry {
            id: text(registry, "id")?,
            url: full_text(registry, "registryUrl"),
        }),
        _ => None, // none or several: not one place
    }
}
