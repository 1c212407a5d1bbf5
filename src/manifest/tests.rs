//! What holds for a repository as a whole; single rules have their fixtures under `fixtures/manifest/`.

use super::*;

const SITE: &str = "apiVersion: wharf/v1\nkind: Site\nmetadata: {name: lab}\nspec: {defaults: {class: small}}\n---\n\
    apiVersion: wharf/v1\nkind: Class\nmetadata: {name: small}\nspec: {cpu: \"2\", memory: 4Gi}\n";

fn user(name: &str) -> String {
    format!("apiVersion: wharf/v1\nkind: User\nmetadata: {{name: {name}}}\nspec: {{}}\n")
}

fn workspace(owner: &str, name: &str, devfile: &str) -> String {
    format!(
        "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: {owner}\n  devfile: {devfile}\n"
    )
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.0.iter().map(|d| d.code).collect()
}

#[test]
fn a_repository_without_errors_becomes_manifests() {
    let alice = format!(
        "{}---\n{}",
        user("alice"),
        workspace("alice", "api", "{path: ./devfiles/../d.yaml}")
    );
    let inline = workspace("alice", "web", "{inline: {schemaVersion: 2.2.0}}");
    let files = Files::of([
        ("wharf.yaml", SITE),
        ("users/alice.yaml", &alice),
        ("web.yaml", &inline),
        ("d.yaml", "schemaVersion: 2.2.0\n"),
    ]);
    let loaded = load(&files);
    assert_eq!(codes(&loaded), [""; 0]);
    assert_eq!(
        loaded.checked,
        ["d.yaml", "users/alice.yaml", "web.yaml", "wharf.yaml"]
    );
    let manifests = loaded.manifests.unwrap();
    assert_eq!(manifests.site.spec.policy.max_deletions, 5);
    assert_eq!(manifests.site.spec.defaults.home, "/home/user");
    assert_eq!(manifests.classes[&"small".parse().unwrap()].spec.pids, 2048);
    let api = &manifests.workspaces[&"alice/api".parse().unwrap()];
    assert!(matches!(&api.spec.devfile, DevfileRef::Path(path) if path.value == "d.yaml"));
    let web = &manifests.workspaces[&"alice/web".parse().unwrap()];
    let devfile = web.inline_devfile().unwrap();
    assert_eq!(devfile.get("schemaVersion").and_then(Node::as_str), Some("2.2.0"));
    assert_eq!(loaded.inline_devfiles.len(), 1);
}

#[test]
fn one_error_anywhere_leaves_no_manifests_that_could_look_like_removals() {
    let files = Files::of([
        ("wharf.yaml", SITE),
        ("a.yaml", &user("Alice")),
        ("b.yaml", &user("bob")),
    ]);
    let loaded = load(&files);
    assert_eq!(codes(&loaded), ["yaml/name"]);
    assert!(loaded.manifests.is_none());
}

#[test]
fn a_name_that_a_broken_file_may_declare_is_not_called_unknown() {
    let broken = format!("{}  email: [\n", user("alice").replace("{}", ""));
    let files = Files::of([
        ("wharf.yaml", SITE),
        ("alice.yaml", &broken),
        ("d.yaml", "schemaVersion: 2.2.0\n"),
        ("w.yaml", &workspace("alice", "api", "{path: d.yaml}")),
    ]);
    assert_eq!(codes(&load(&files)), ["yaml/syntax"]);
}

#[test]
fn a_hidden_devfile_is_read_when_a_workspace_names_it() {
    let alice = format!(
        "{}---\n{}",
        user("alice"),
        workspace("alice", "api", "{path: .devfile.yaml}")
    );
    let files = Files::of([
        ("wharf.yaml", SITE),
        ("alice.yaml", &alice),
        (".devfile.yaml", "schemaVersion: 2.2.0\n"),
        (".other.yaml", "a: ["),
    ]);
    let loaded = load(&files);
    assert_eq!(codes(&loaded), [""; 0]);
    assert!(loaded.devfiles.contains_key(".devfile.yaml"));
}

#[test]
fn addresses_and_hosts_of_the_site_are_what_they_stand_for() {
    let site = |registry: &str| {
        let spec = format!(
            "{{devfileRegistry: '{registry}', policy: {{imports: {{privateHosts: ['[FD00:0::1]', Devfiles.Corp]}}}}}}"
        );
        let text = SITE.replace("{defaults: {class: small}}", &spec);
        load(&Files::of([("wharf.yaml", text.as_str())]))
    };
    let loaded = site("https://R.example.org/v2");
    assert_eq!(codes(&loaded), [""; 0]);
    let spec = loaded.site.unwrap();
    assert_eq!(
        spec.devfile_registry.unwrap().value.as_str(),
        "https://r.example.org/v2"
    );
    let hosts = spec.policy.private_hosts.iter();
    let hosts: Vec<String> = hosts.map(|host| host.value.to_string()).collect();
    assert_eq!(hosts, ["[fd00::1]", "devfiles.corp"]);
    for wrong in ["https://r.example.org:99999", "https://[1::2::3]/"] {
        assert_eq!(codes(&site(wrong)), ["manifest/web-address"], "{wrong}");
    }
}

#[test]
fn the_site_is_known_whatever_is_wrong_elsewhere() {
    let loaded = load(&Files::of([("wharf.yaml", SITE), ("a.yaml", &user("Alice"))]));
    assert!(loaded.manifests.is_none());
    assert_eq!(
        loaded.site.unwrap().defaults.class.unwrap().value.as_str(),
        "small"
    );
}
