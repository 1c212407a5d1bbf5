//! Which images a Containerfile uses: what it starts from, and what it copies or mounts from. Read as far as that takes; what a
//! build makes of it is the engine's.

/// The images that are none of its own stages, in their order.
pub(super) fn images(text: &str) -> Vec<String> {
    let mut stages: Vec<String> = vec!["scratch".to_owned()];
    let mut images = Vec::new();
    for instruction in instructions(text) {
        let mut words = instruction.split_whitespace();
        let name = words.next().unwrap_or_default().to_ascii_uppercase();
        let (flags, rest): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with("--"));
        let is_stage = |name: &str| stages.iter().any(|stage| stage.eq_ignore_ascii_case(name));
        let used: Vec<&str> = match name.as_str() {
            "FROM" => rest.first().copied().into_iter().collect(),
            "COPY" | "ADD" => flags
                .iter()
                .filter_map(|flag| flag.strip_prefix("--from="))
                .filter(|from| from.parse::<usize>().is_err())
                .collect(),
            "RUN" => flags
                .iter()
                .filter_map(|flag| flag.strip_prefix("--mount="))
                .flat_map(|mount| mount.split(','))
                .filter_map(|part| part.strip_prefix("from="))
                .collect(),
            _ => Vec::new(),
        };
        images.extend(
            used.into_iter()
                .filter(|image| !is_stage(image))
                .map(str::to_owned),
        );
        if let ("FROM", [_, word, stage, ..]) = (name.as_str(), rest.as_slice())
            && word.eq_ignore_ascii_case("as")
        {
            stages.push((*stage).to_owned());
        }
    }
    images
}

/// The instructions, each on one line, without comments and here-documents.
fn instructions(text: &str) -> Vec<String> {
    let escape = escape(text);
    let mut found = Vec::new();
    let mut begun = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if let Some(part) = line.strip_suffix(escape) {
            begun.push_str(part);
            continue;
        }
        begun.push_str(line);
        for end in documents(&begun) {
            // It lasts until that word stands alone.
            for line in lines.by_ref() {
                if line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
        found.push(std::mem::take(&mut begun));
    }
    found.push(begun);
    found
}

/// What stands at the end of a line that goes on: a backslash, unless a directive at the top names a backtick.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let named = directives.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        key.trim().eq_ignore_ascii_case("escape").then(|| value.trim())
    });
    match named.last() {
        Some("`") => '`',
        Some(_) | None => '\\',
    }
}

/// The words at which an instruction's here-documents end.
fn documents(instruction: &str) -> Vec<String> {
    let takes = ["RUN", "COPY", "ADD"];
    let name = instruction.split_whitespace().next().unwrap_or_default();
    if !takes.iter().any(|take| take.eq_ignore_ascii_case(name)) {
        return Vec::new();
    }
    let words = instruction.split_whitespace().filter_map(|word| {
        let (_, word) = word.split_once("<<")?;
        let word = word.trim_start_matches('-').trim_matches(['"', '\'']);
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_word.then(|| word.to_owned())
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stage_starts_from_copies_or_mounts_is_an_image_unless_it_is_a_stage() {
        let text = "\
# FROM commented
FROM --platform=linux/amd64 quay.io/go:1 AS build
RUN --mount=type=cache,target=/c --mount=type=bind,from=quay.io/tools:1,target=/t make
FROM build AS test
COPY --from=build /a /b
COPY --from=0 /a /b
copy --chown=1 --from=quay.io/data:1 /a /b
from scratch
ADD --from=TEST /a /b
";
        assert_eq!(
            images(text),
            ["quay.io/go:1", "quay.io/tools:1", "quay.io/data:1"]
        );
    }

    #[test]
    fn an_instruction_may_stand_on_several_lines_and_a_document_is_none() {
        assert_eq!(images("FR\\\nOM \\\n# why\n  quay.io/a:1\n"), ["quay.io/a:1"]);
        assert_eq!(images("# escape=`\nFROM `\nquay.io/a:1\n"), ["quay.io/a:1"]);
        let text = "FROM quay.io/a:1\nRUN <<EOF cat\nFROM table\nEOF\nFROM quay.io/b:1\n";
        assert_eq!(images(text), ["quay.io/a:1", "quay.io/b:1"]);
        // Only where a document can be.
        assert_eq!(images("ENV A=<<EOF\nFROM quay.io/a:1\n"), ["quay.io/a:1"]);
    }
}
