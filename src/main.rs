//! The binary: arguments in, exit code out. Everything else is in [`wharf::cli`].

fn main() -> std::process::ExitCode {
    #[allow(clippy::disallowed_methods)] // this is where arguments are parsed
    wharf::cli::main(std::env::args_os())
}
