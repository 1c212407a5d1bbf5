//! What people use today for the same containers, where it is installed: `podman kube play` and podman-compose. Both get
//! as many pods or services with two volumes each; neither makes a network for each.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use wharf::plan::{Action, Creation};

use crate::site::{Change, Site};
use crate::table::Table;

fn run(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// The program and arguments that keep wharf's containers up.
fn argv(site: &Site) -> String {
    let plan = site.first_plan(Change::None);
    let found = plan.steps.iter().find_map(|step| match &step.action {
        Action::Create {
            what: Creation::Container(spec, _),
            ..
        } => Some(spec.clone()),
        _ => None,
    });
    let spec = found.expect("a first plan makes containers");
    let argv: Vec<String> = spec
        .entrypoint
        .into_iter()
        .chain(spec.command)
        .flatten()
        .collect();
    // JSON is YAML; a dollar would be a variable to both.
    serde_json::to_string(&argv).unwrap().replace('$', "$$")
}

pub(crate) fn kube_play(site: &Site, table: &mut Table) {
    if !run("podman", &["kube", "--help"]) {
        return;
    }
    let (mut pods, argv) = (String::new(), argv(site).replace("$$", "$"));
    for i in 0..site.count {
        let pod = format!("{}-k{i}", site.name);
        writeln!(
            pods,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {pod}}}\nspec:\n  containers:\n  - name: tools\n    \
             image: {}\n    command: {argv}\n    volumeMounts: [{{name: home, mountPath: /home/user}}, \
             {{name: projects, mountPath: /projects}}]\n  volumes:\n  - {{name: home, persistentVolumeClaim: \
             {{claimName: {pod}-home}}}}\n  - {{name: projects, persistentVolumeClaim: {{claimName: {pod}-projects}}}}",
            site.image
        )
        .unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pods).unwrap();
    let path = file.path().to_str().unwrap();
    let start = Instant::now();
    if run("podman", &["kube", "play", path]) {
        table.add("first apply", "podman kube play", start.elapsed());
    } else {
        eprintln!("  podman kube play fails here, so it is left out");
    }
    run("podman", &["kube", "down", path]);
    for i in 0..site.count {
        for volume in ["home", "projects"] {
            run(
                "podman",
                &["volume", "rm", &format!("{}-k{i}-{volume}", site.name)],
            );
        }
    }
}

pub(crate) fn compose(site: &Site, table: &mut Table) {
    if !run("podman-compose", &["--version"]) {
        return;
    }
    let (mut services, mut volumes) = (String::from("services:\n"), String::from("volumes:\n"));
    let argv = argv(site);
    for i in 0..site.count {
        writeln!(
            services,
            "  w{i}:\n    image: {}\n    entrypoint: {argv}\n    init: true\n    volumes: ['home{i}:/home/user', \
             'projects{i}:/projects']",
            site.image
        )
        .unwrap();
        writeln!(volumes, "  home{i}: {{}}\n  projects{i}: {{}}").unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("compose.yaml");
    std::fs::write(&file, services + &volumes).unwrap();
    let base = ["-f", file.to_str().unwrap(), "-p", &site.name];
    let start = Instant::now();
    if run("podman-compose", &[&base[..], &["up", "-d"]].concat()) {
        table.add("first apply", "podman-compose", start.elapsed());
    } else {
        eprintln!("  podman-compose fails here, so it is left out");
    }
    run(
        "podman-compose",
        &[&base[..], &["down", "-v", "-t", "0"]].concat(),
    );
}
