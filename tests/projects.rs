//! Which of a devfile's projects are fetched for a workspace, and what is said where one can't be: by the configuration
//! itself, and by an apply on the simulated engine.

#![allow(clippy::unwrap_used, clippy::panic)] // a test

#[path = "support/repository.rs"]
mod repository;

use repository::{SITE, desired_of, engine, planned, workspace};
use wharf::apply::{Cancellation, Options, Unobserved, apply};
use wharf::devfile::Imports;
use wharf::document::Files;
use wharf::engine::simulated::Script;
use wharf::lock::Lock;
use wharf::model::CloneProject;

/// A repository with one workspace, and what its devfile has beside a container.
fn files(spec: &str, projects: &str) -> Files {
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents: [{{name: tools, container: {{image: 'localhost/tools:1'}}}}]\n{projects}"
    );
    Files::of([
        ("wharf.yaml", SITE),
        ("workspaces.yaml", &workspace("alice/api", "app", spec)),
        ("devfiles/app.yaml", &devfile),
    ])
}

/// What is fetched for a workspace that asks for the starter project `demo`, and each problem's line, severity, code and
/// words.
fn resolved(asked: bool, projects: &str) -> (Vec<CloneProject>, Vec<String>) {
    let files = files(if asked { "starterProject: demo" } else { "" }, projects);
    let loaded = wharf::manifest::load(&files);
    assert!(!loaded.diagnostics.has_errors(), "{:?}", loaded.diagnostics);
    let (workspaces, mut diagnostics) = wharf::resolve::read(&loaded, &Imports::none());
    let mut fetched = Vec::new();
    if let Some(workspaces) = workspaces {
        let (state, found) = workspaces.resolve(&files, &Lock::default());
        diagnostics.extend(found);
        fetched.extend(state.workspaces.into_values().flat_map(|w| w.projects));
    }
    let said = diagnostics.0.iter().map(|d| {
        let line = d.position().map_or(0, |(line, _)| line);
        format!("{line} {:?} {} {}", d.severity, d.code, d.message)
    });
    (fetched, said.collect())
}

const GIT: &str = "git: {remotes: {origin: 'https://git.example.org/x'}}";

#[test]
fn a_starter_project_has_no_name_or_folder_of_a_project() {
    let starter = format!("starterProjects:\n  - name: demo\n    {GIT}\n");
    for (list, project, said) in [
        (
            "projects",
            "name: demo",
            "there is a project named \"demo\" already",
        ),
        (
            "projects",
            "name: x\n    clonePath: ./demo/",
            "the project \"x\" is cloned into \"demo\" already",
        ),
        (
            "dependentProjects",
            "name: demo\n    clonePath: x",
            "there is a project named \"demo\" already",
        ),
    ] {
        let both = format!("{starter}{list}:\n  - {project}\n    {GIT}\n");
        let (_, problems) = resolved(true, &both);
        assert_eq!(problems, [format!("4 Error devfile/duplicate-project {said}")]);
        // Nobody asks for it, so it is in nobody's way.
        let (fetched, problems) = resolved(false, &both);
        assert_eq!((fetched.len(), problems), (1, Vec::new()));
    }
}

#[test]
fn the_folder_of_a_starter_project_is_a_problem_only_where_it_is_asked_for() {
    let starter =
        |folder: &str| format!("starterProjects:\n  - name: demo\n    {GIT}\n    subDir: {folder}\n");
    for (folder, kept) in [
        ("''", None),
        (".", None),
        ("./a//b/", Some("a/b")),
        ("/a", Some("a")),
    ] {
        let (fetched, problems) = resolved(true, &starter(folder));
        assert_eq!(problems, [""; 0], "{folder}");
        assert_eq!(fetched[0].sub_dir.as_deref(), kept, "{folder}");
    }
    let outside = starter("../x");
    let said = "devfile/clone-path \"../x\" is no folder of the starter project";
    let (fetched, problems) = resolved(false, &outside);
    assert_eq!((fetched.len(), problems), (0, vec![format!("6 Warning {said}")]));
    let (_, problems) = resolved(true, &outside);
    assert!(problems.contains(&format!("6 Error {said}")), "{problems:?}");
}

#[tokio::test]
async fn what_can_not_be_fetched_is_said_in_words_of_its_kind() {
    let git = "{name: code, git: {remotes: {origin: 'https://git.example.org/x'}}}";
    let zip = "{name: code, zip: {location: 'https://example.org/x.zip'}}";
    let file = "{name: code, zip: {location: 'file:///x.zip'}}";
    let hint = |what: &str| format!("{what}; the next apply tries again.");
    let lacks = |what: &str| {
        format!(
            "{what} is missing in the image of component tools, and in the tools image\nAdd {what} to the image, or name \
             an image that has it as the Site's toolsImage."
        )
    };
    for (project, code, said) in [
        (
            git,
            1,
            hint("the remote and the revision exist and can be read without a password"),
        ),
        (
            zip,
            1,
            hint("its address gives a zip archive, and without a password"),
        ),
        (git, 69, lacks("git")),
        (zip, 69, lacks("python3 (or unzip with curl or wget)")),
        (file, 69, lacks("unzip (or python3)")),
    ] {
        let (engine, desired) = (
            engine(),
            desired_of(&files("", &format!("projects: [{project}]\n"))),
        );
        let fails = Script {
            matches: " clone ".to_owned(),
            exit_code: code,
            ..Script::default()
        };
        engine.edit(|state| state.scripts.push(fails)).unwrap();
        let plan = planned(&engine, &desired).await;
        let report = apply(
            &engine,
            &plan,
            &Options::default(),
            &Unobserved,
            Cancellation::never(),
        )
        .await;
        let failures: Vec<String> = report.failures().map(|(_, f)| f.to_string()).collect();
        assert!(failures[0].contains(&said), "{failures:?}");
    }
}
