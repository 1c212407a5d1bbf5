//! Commands of a devfile: what runs in which container, and how a shell there is asked for it.

use serde::{Deserialize, Serialize};

/// A command to run in a container of the workspace, with `/bin/sh -c`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecCommand {
    /// The devfile command's id.
    pub id: String,
    /// The component in whose container it runs.
    pub component: String,
    /// What the shell runs.
    pub command_line: String,
    /// Where; the shell in the container expands variables in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Added to the container's environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// Commands with the same number run at the same time (a parallel composite); numbers rise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_group: Option<u32>,
}

/// A command of the devfile, for whoever asks to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredCommand {
    /// Its id.
    pub id: String,
    /// What it is for (`build`, `run`, `test`, `debug`, `deploy`), and whether it is the one that is meant when only
    /// that is asked for.
    pub group: Option<(String, bool)>,
    /// Its name for people.
    pub label: Option<String>,
    /// What it does.
    pub action: CommandAction,
}

/// What a [`DesiredCommand`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandAction {
    /// Runs in a container.
    Exec(ExecCommand),
    /// Brings up the component of that name.
    Apply(String),
    /// Runs the commands of these ids.
    Composite {
        /// The ids.
        commands: Vec<String>,
        /// Whether at the same time.
        parallel: bool,
    },
}

/// Goes to the directory in which `$NAME` and `${NAME}` are expanded, and runs the command there.
const IN_DIRECTORY: &str = r#"eval "cd -- \"$1\"" && exec /bin/sh -c "$2""#;

/// Runs what follows with its output in a file, shows the file at the end, and ends as that did. Where no file can be
/// written, it is only shown.
const KEPT: &str = r#"( : >"$1" ) 2>/dev/null || { shift; exec "$@"; }
log=$1; shift
"$@" >"$log" 2>&1
code=$?
cat "$log"
exit $code"#;

impl ExecCommand {
    /// The file in its container where the command of that id keeps what it writes. Ids are plain words.
    #[must_use]
    pub fn log_of(id: &str) -> String {
        format!("/tmp/wharf-{id}.log")
    }

    /// The same as [`ExecCommand::argv`], with its output kept in [`ExecCommand::log_of`] its id. What it leaves running in the
    /// background holds nobody up.
    #[must_use]
    pub fn kept_argv(&self) -> Vec<String> {
        let shell = ["/bin/sh", "-c", KEPT, "sh"].map(str::to_owned);
        shell
            .into_iter()
            .chain([Self::log_of(&self.id)])
            .chain(self.argv())
            .collect()
    }

    /// The program and its arguments. The container's shell expands variables in the working directory and nothing else
    /// there; neither it nor the command is ever pasted into a script.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        let line = self.command_line.as_str();
        let shell = |arguments: &[&str]| {
            let argv = ["/bin/sh", "-c"].into_iter().chain(arguments.iter().copied());
            argv.map(str::to_owned).collect()
        };
        match &self.working_dir {
            None => shell(&[line]),
            Some(directory) => shell(&[IN_DIRECTORY, "sh", &quoted(directory), line]),
        }
    }
}

/// `text` as it stands between double quotes: only `$NAME` and `${NAME}` keep their meaning.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let special = match c {
            '\\' | '"' | '`' => true,
            '$' => characters.peek() == Some(&'('),
            _ => false,
        };
        if special {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, directory: Option<&str>) -> Vec<String> {
        ExecCommand {
            id: "c".into(),
            component: "tools".into(),
            command_line: line.into(),
            working_dir: directory.map(str::to_owned),
            env: Vec::new(),
            parallel_group: None,
        }
        .argv()
    }

    #[allow(clippy::disallowed_methods)] // a real shell is what this is about
    fn output(argv: &[String]) -> String {
        let run = std::process::Command::new(&argv[0])
            .args(&argv[1..])
            .env("ROOT", "/usr")
            .output()
            .unwrap();
        String::from_utf8(run.stdout).unwrap()
    }

    #[test]
    #[allow(clippy::disallowed_methods)] // a real shell is what this is about
    fn the_shell_expands_variables_in_the_directory_and_nothing_else() {
        let inside = tempfile::tempdir().unwrap();
        let root = inside.path().to_str().unwrap();
        for odd in ["a b", "q\"q", "b\\c", "$(touch x)", "`touch y`", "-d"] {
            std::fs::create_dir(inside.path().join(odd)).unwrap();
            assert_eq!(
                output(&command("pwd", Some(&format!("{root}/{odd}")))),
                format!("{root}/{odd}\n")
            );
        }
        assert_eq!(
            output(&command("pwd", Some("${ROOT}/bin"))),
            output(&command("cd /usr/bin; pwd", None))
        );
        assert_eq!(output(&command("pwd", Some("$ROOT"))), "/usr\n");
        assert_eq!(
            output(&command("echo \"a  $0\"; exit 3", Some("/"))),
            "a  /bin/sh\n"
        );
        assert_eq!(output(&command("echo no", Some("/nowhere"))), "");
    }
}
