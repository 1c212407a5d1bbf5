//! What the codes of this stage mean, for whoever asks: those of single values, and those of [`super::checks`].

use super::checks;
use crate::document::Rule;
use crate::document::rule::rule;

/// Every rule of manifests.
pub fn rules() -> impl Iterator<Item = Rule> {
    let checks = checks::RULES.iter().map(checks::Check::rule);
    VALUES.iter().copied().chain(checks)
}

/// The rules that are checked while a value is read.
const VALUES: &[Rule] = &[
    rule(
        "manifest/address",
        "An address of the host is an IP address: names could lead elsewhere tomorrow.",
        "publish: [{endpoint: web, port: 8080, address: localhost}]\n",
        "publish: [{endpoint: web, port: 8080, address: 127.0.0.1}]\n",
    ),
    rule(
        "manifest/api-version",
        "Every manifest of wharf begins with apiVersion: wharf/v1. Hide YAML files of other programs in a folder whose name begins with a dot.",
        "apiVersion: v1\nkind: User\n",
        "apiVersion: wharf/v1\nkind: User\n",
    ),
    rule(
        "manifest/class-too-small",
        "With less than this no container starts.",
        "spec: {cpu: 1m, memory: 1Mi}\n",
        "spec: {cpu: 500m, memory: 512Mi}\n",
    ),
    rule(
        "manifest/devfile-source",
        "A workspace names its devfile by path, or holds it inline; one of the two.",
        "devfile: {path: a.yaml, inline: {schemaVersion: 2.2.0}}\n",
        "devfile: {path: a.yaml}\n",
    ),
    rule(
        "manifest/duration",
        "A duration is numbers with units: 90s, 30m, 1h30m.",
        "idleTimeout: 30\n",
        "idleTimeout: 30m\n",
    ),
    rule(
        "manifest/email",
        "An e-mail address has a name, an @ and a host.",
        "email: alice\n",
        "email: alice@example.org\n",
    ),
    rule(
        "manifest/empty-file",
        "An empty file is more often a mistake than meant, and looks like something removed. Remove it, or write into it.",
        "(nothing)\n",
        "apiVersion: wharf/v1\nkind: User\nmetadata: {name: alice}\nspec: {}\n",
    ),
    rule(
        "manifest/engine-address",
        "The engine is Podman's API socket.",
        "engine: tcp://podman:8080\n",
        "engine: unix:///run/podman/podman.sock\n",
    ),
    rule(
        "manifest/folder",
        "The configuration lies in one folder of the repository; what could lead out of it is none.",
        "source: {url: https://git.example.org/config, path: ../lab}\n",
        "source: {url: https://git.example.org/config, path: sites/lab}\n",
    ),
    rule(
        "manifest/home",
        "The home directory is an absolute path below /, for a volume is mounted there.",
        "defaults: {home: home/user}\n",
        "defaults: {home: /home/user}\n",
    ),
    rule(
        "manifest/host",
        "policy.imports.privateHosts names hosts by name or address, without a scheme or a port; an IPv6 address stands in brackets.",
        "policy: {imports: {privateHosts: [\"https://devfiles.example.org\"]}}\n",
        "policy: {imports: {privateHosts: [devfiles.example.org]}}\n",
    ),
    rule(
        "manifest/image-pattern",
        "An image pattern is a reference in which * stands for any text, ? for one character and [ab] for one of these.",
        "policy: {images: {allow: [\"registry.example.org/[\"]}}\n",
        "policy: {images: {allow: [\"registry.example.org/*\"]}}\n",
    ),
    rule(
        "manifest/image-reference",
        "An image reference names an image: a registry, a path, and a tag or a digest.",
        "toolsImage: \"tools latest\"\n",
        "toolsImage: registry.example.org/tools:1\n",
    ),
    rule(
        "manifest/interval",
        "A repository is fetched from time to time: neither all the time nor once in a lifetime.",
        "source: {url: https://git.example.org/config, interval: 0s}\n",
        "source: {url: https://git.example.org/config, interval: 1m}\n",
    ),
    rule(
        "manifest/not-ours",
        "A warning: the file is neither a manifest nor a devfile and is ignored. Hide files of other programs in a folder whose name begins with a dot.",
        "services: {web: {image: x}}\n",
        "apiVersion: wharf/v1\nkind: User\nmetadata: {name: alice}\nspec: {}\n",
    ),
    rule(
        "manifest/not-supported-yet",
        "This release does not have it. Ignoring it would start a workspace without a part of what was asked for; remove the key.",
        "sshKeys: [\"ssh-ed25519 AAAA alice\"]\n",
        "email: alice@example.org\n",
    ),
    rule(
        "manifest/outside-link",
        "A link out of the repository could read any file of the host, so it is never followed. Put the file itself into the repository.",
        "users.yaml # a link to /etc/users.yaml\n",
        "users.yaml # a file\n",
    ),
    rule(
        "manifest/publish-rule",
        "policy.publish.allow lists addresses and ports of the host: ADDRESS:PORT or ADDRESS:FIRST-LAST.",
        "policy: {publish: {allow: [\"8080\"]}}\n",
        "policy: {publish: {allow: [\"127.0.0.1:8080\"]}}\n",
    ),
    rule(
        "manifest/revision",
        "What is followed is a branch, a tag or a commit, by a name that git takes for nothing else.",
        "source: {url: https://git.example.org/config, ref: main~1}\n",
        "source: {url: https://git.example.org/config, ref: main}\n",
    ),
    rule(
        "manifest/second-devfile",
        "A workspace names a devfile by its file, so each devfile needs a file of its own.",
        "schemaVersion: 2.2.0\n---\nschemaVersion: 2.2.0\n",
        "schemaVersion: 2.2.0\n",
    ),
    rule(
        "manifest/source-address",
        "A repository is spoken to by https, ssh or file. Addresses that git would run a program for are refused, and so are passwords in them: whoever reads the manifest would have them.",
        "source: {url: http://git.example.org/config}\n",
        "source: {url: https://git.example.org/config}\n",
    ),
    rule(
        "manifest/storage-not-enforced",
        "A warning: the size is counted in quotas, but not enforced on the disk in this release.",
        "spec: {cpu: \"2\", memory: 4Gi, storage: 20Gi}\n",
        "spec: {cpu: \"2\", memory: 4Gi}\n",
    ),
    rule(
        "manifest/time",
        "A time of day is hours and minutes, two digits each, from 00:00 to 24:00.",
        "maintenance: {windows: [{from: 2am, to: 5am}]}\n",
        "maintenance: {windows: [{from: 02:00, to: 05:00}]}\n",
    ),
    rule(
        "manifest/time-zone",
        "A time zone is named as in the IANA database, by a city for example, so that the clocks' changes are known.",
        "maintenance: {timeZone: CEST, windows: []}\n",
        "maintenance: {timeZone: Europe/Berlin, windows: []}\n",
    ),
    rule(
        "manifest/uid-range",
        "A range of user ids begins at a multiple of 65536 above the host's own accounts.",
        "uidRange: 1000\n",
        "uidRange: 1048576\n",
    ),
    rule(
        "manifest/unknown-kind",
        "wharf has no manifests of this kind.",
        "kind: Wrokspace\n",
        "kind: Workspace\n",
    ),
    rule(
        "manifest/unreadable",
        "The file is there and can't be read; the message says why.",
        "(a file that only root may read)\n",
        "(a file that wharf may read)\n",
    ),
    rule(
        "manifest/volume-name",
        "A volume is named as the engine lists it: letters, digits, _, . and -.",
        "adopt: [{volume: /srv/data, as: home}]\n",
        "adopt: [{volume: myproject_data, as: home}]\n",
    ),
    rule(
        "manifest/volume-role",
        "A volume is adopted as projects (the sources), home, or data/NAME: the volume NAME that the devfile declares.",
        "adopt: [{volume: old, as: cache}]\n",
        "adopt: [{volume: old, as: data/cache}]\n",
    ),
    rule(
        "manifest/web-address",
        "An address of the web begins with https:// or http:// and names a host. It holds no password and no query.",
        "devfileRegistry: registry.example.org\n",
        "devfileRegistry: https://registry.example.org\n",
    ),
    rule(
        "manifest/window",
        "A maintenance window has a day and a length, or it would never open. Without days it opens every day; where `to` is not later than `from`, it ends on the next day.",
        "maintenance: {windows: [{from: 02:00, to: 02:00}]}\n",
        "maintenance: {windows: [{from: 00:00, to: 24:00}]}\n",
    ),
    rule(
        "manifest/workspace-id",
        "A workspace is named with its owner: OWNER/NAME.",
        "movedFrom: api\n",
        "movedFrom: alice/api\n",
    ),
];
