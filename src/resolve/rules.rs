//! What the codes of this stage mean, for whoever asks.

use crate::document::Rule;
use crate::document::rule::rule;

/// Every rule that needs manifests and devfiles together.
pub const RULES: &[Rule] = &[
    rule(
        "resolve/adopt-ephemeral",
        "An ephemeral volume loses its data when the workspace stops, so nothing is adopted as one.",
        "storage: {mode: ephemeral}\nadopt: [{volume: old, as: home}]\n",
        "storage: {mode: persistent}\nadopt: [{volume: old, as: home}]\n",
    ),
    rule(
        "resolve/adopt-unknown-volume",
        "A volume is adopted as one that the workspace has: projects and home where a container mounts them, and the devfile's own.",
        "adopt: [{volume: old, as: data/chache}] # the devfile has only cache\n",
        "adopt: [{volume: old, as: data/cache}]\n",
    ),
    rule(
        "resolve/build-argument",
        "A build takes --build-arg NAME=VALUE. Other arguments would be options of the engine, which a devfile does not choose.",
        "dockerfile: {uri: Containerfile, args: [--network, host]}\n",
        "dockerfile: {uri: Containerfile, args: [--build-arg, RELEASE=1]}\n",
    ),
    rule(
        "resolve/build-context",
        "Every file of a build context must be readable and within bounds, for the image's name is the hash of all of them.",
        "dockerfile: {uri: Containerfile, buildContext: .} # with a file of 300 MB\n",
        "dockerfile: {uri: images/tools/Containerfile, buildContext: images/tools}\n",
    ),
    rule(
        "resolve/build-fetch",
        "What an image is built from and the repository does not hold has to be had now; another time it may be. With wharf lock it is \
         in the repository.",
        "dockerfile: {uri: 'https://example.org/Containerfile'} # with --offline, and not locked\n",
        "dockerfile: {uri: 'https://example.org/Containerfile'} # locked\n",
    ),
    rule(
        "resolve/build-outside",
        "Paths of a build stay within where they start: the configuration repository, or the git repository or stack that the \
         Containerfile is from.",
        "dockerfile: {uri: ../../Containerfile}\n",
        "dockerfile: {uri: images/tools/Containerfile}\n",
    ),
    rule(
        "resolve/build-preprocessed",
        "For a Containerfile whose name ends in .in the engine runs the C preprocessor, which reads files of the machine that it is on.",
        "dockerfile: {uri: Containerfile.in}\n",
        "dockerfile: {uri: Containerfile}\n",
    ),
    rule(
        "resolve/build-source",
        "What an image is built from and the repository does not hold is fetched by https or http from public addresses, or from \
         hosts that the Site's policy.imports.privateHosts names, without a login. wharf lock puts it into the repository.",
        "dockerfile: {git: {remotes: {origin: 'git@git.example.org:team/images.git'}}}\n",
        "dockerfile: {git: {remotes: {origin: 'https://git.example.org/team/images.git'}}}\n",
    ),
    rule(
        "resolve/image-policy",
        "The Site's policy.images.allow says which images may run, and policy.images.requireDigest that they are named by digest.",
        "image: docker.io/library/python:3.12 # not allowed by the Site\n",
        "image: registry.example.org/python:3.12\n",
    ),
    rule(
        "resolve/no-container",
        "A workspace needs a container that stays up. One that only preStart or postStop applies runs to completion.",
        "components: []\n",
        "components:\n  - name: tools\n    container: {image: localhost/tools:1}\n",
    ),
    rule(
        "resolve/no-containerfile",
        "The Containerfile must be a file of the repository; its path is relative to the devfile that names it.",
        "dockerfile: {uri: Containerfil}\n",
        "dockerfile: {uri: Containerfile}\n",
    ),
    rule(
        "resolve/no-sources",
        "A warning: no container mounts the sources, so nobody would see the projects.",
        "container: {image: localhost/tools:1, mountSources: false}\n",
        "container: {image: localhost/tools:1}\n",
    ),
    rule(
        "resolve/over-class",
        "The containers of a workspace share what its class has. Use a larger class, or lower the containers' limits.",
        "memoryLimit: 8Gi # in a class with 4Gi\n",
        "memoryLimit: 2Gi\n",
    ),
    rule(
        "resolve/unused-image",
        "A warning: an image component is built for the containers that name its imageName. One that no container names is for other tools.",
        "image: {imageName: localhost/tols:1, dockerfile: {uri: Containerfile}} # the container says localhost/tools:1\n",
        "image: {imageName: localhost/tools:1, dockerfile: {uri: Containerfile}}\n",
    ),
    rule(
        "resolve/unknown-starter",
        "A Workspace's starterProject, or the devfile's attribute controller.devfile.io/use-starter-project, names one of the devfile's starterProjects.",
        "starterProject: sampel # the devfile has only sample\n",
        "starterProject: sample\n",
    ),
    rule(
        "resolve/uid-range",
        "Each user has a range of ids on the host, by name; two names can meet in one range. Give one of the users a uidRange.",
        "spec: {} # of two users that meet\n",
        "spec: {uidRange: 1048576}\n",
    ),
    rule(
        "resolve/unknown-endpoint",
        "Only an endpoint of the devfile can be published.",
        "publish: [{endpoint: wbe, port: 8080}]\n",
        "publish: [{endpoint: web, port: 8080}]\n",
    ),
];
