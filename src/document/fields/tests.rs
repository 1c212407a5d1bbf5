//! What typed reading makes of right and wrong values.

use super::*;
use crate::document::parse;

#[derive(Debug, PartialEq)]
struct Sample {
    name: Name,
    size: Option<Bytes>,
    cpu: Option<MilliCpu>,
    port: Option<u16>,
    on: Option<bool>,
    tags: Vec<String>,
    env: Vec<(Spanned<String>, String)>,
    colour: Option<u8>,
}

struct Colour(u8);

impl Decode for Colour {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        choice(node, reader, &[("red", 1), ("green", 2)]).map(Colour)
    }
}

impl Decode for Sample {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let name = fields.required("name", reader);
        let sample = Self {
            size: fields.optional("size", reader),
            cpu: fields.optional("cpu", reader),
            port: fields.optional("port", reader),
            on: fields.optional("on", reader),
            tags: fields.list("tags", reader),
            env: fields.optional("env", reader).unwrap_or_default(),
            colour: fields.optional::<Colour>("colour", reader).map(|c| c.0),
            name: name.unwrap_or_else(|| "none".parse().unwrap()),
        };
        fields.not_yet("later", "test/later", reader);
        fields.finish(reader);
        Some(sample)
    }
}

/// The value, and each diagnostic's code, position, pointer and help.
fn read(text: &str) -> (Option<Sample>, Vec<String>) {
    let (documents, diagnostics) = parse("x.yaml", text.as_bytes());
    assert_eq!(diagnostics, Diagnostics::default());
    let mut reader = Reader::new(&documents[0]);
    let sample = Sample::decode(&documents[0].root, &mut reader);
    let told = reader.diagnostics.0.iter().map(|d| {
        let (line, column) = d.position().unwrap();
        let pointer = d.pointer.as_deref().unwrap_or("-");
        format!(
            "{} {line}:{column} {pointer} {}",
            d.code,
            d.help.as_deref().unwrap_or("")
        )
    });
    (sample, told.collect())
}

#[test]
fn right_values_are_read_with_their_places() {
    let (sample, told) = read(
        "name: a\nsize: 1Ki\ncpu: 500m\nport: 65535\non: true\ntags: [x, y]\nenv: {A: b}\ncolour: green\n",
    );
    assert_eq!(told, [""; 0]);
    let sample = sample.unwrap();
    assert_eq!(sample.size, Some(Bytes(1024)));
    assert_eq!(sample.cpu, Some(MilliCpu(500)));
    assert_eq!(sample.port, Some(65_535));
    assert_eq!(sample.tags, ["x", "y"]);
    assert_eq!(sample.env[0].0.span.len(), 1);
    assert_eq!(sample.colour, Some(2));
}

#[test]
fn every_wrong_value_is_told_in_one_pass() {
    let (_, told) = read(
        "name: A\nsize: 1\ncpu: fast\nport: 65536\non: yes\ntags: [1, y, {}]\nenv: {A: 1, B: []}\ncolour: grean\n",
    );
    assert_eq!(
        told,
        [
            "yaml/name 1:7 /name ",
            "yaml/type 2:7 /size write it in quotes: \"1\"",
            "yaml/quantity 3:6 /cpu ",
            "yaml/range 4:7 /port ",
            "yaml/type 5:5 /on ",
            "yaml/type 6:8 /tags/0 write it in quotes: \"1\"",
            "yaml/type 6:14 /tags/2 ",
            "yaml/type 7:10 /env/A write it in quotes: \"1\"",
            "yaml/type 7:16 /env/B ",
            "yaml/choice 8:9 /colour did you mean \"green\"?",
        ]
    );
}

#[test]
fn keys_are_known_unknown_missing_or_not_built_yet() {
    let known = "known keys here: name, size, cpu, port, on, tags, env, colour";
    let (_, told) = read("nmae: a\nlater: {anything: [goes]}\nlatter: 1\nsize:\n");
    assert_eq!(
        told,
        [
            "yaml/missing-key 1:1  ",
            "yaml/no-value 4:1 /size give it a value, or remove the key",
            "test/later 2:1 /later remove the key",
            "yaml/unknown-key 1:1 /nmae did you mean \"name\"?",
            &format!("yaml/unknown-key 3:1 /latter {known}"),
        ]
    );
}

#[test]
fn a_value_at_an_alias_is_told_at_the_alias() {
    let (_, told) = read("name: a\nport: &p 70000\non: *p\nsize: *p\n");
    assert_eq!(
        told,
        [
            "yaml/type 4:7 /size ",
            "yaml/range 2:10 /port ",
            "yaml/type 3:5 /on "
        ]
    );
}

#[test]
fn what_is_no_map_has_no_fields() {
    assert_eq!(read("- name\n"), (None, vec!["yaml/type 1:1  ".to_owned()]));
}

#[test]
fn a_map_of_unknown_keys_costs_no_more_than_a_hundred_problems() {
    let text: String = (0..10_000).map(|i| format!("k{i}: 1\n")).collect();
    let (documents, _) = parse("x.yaml", text.as_bytes());
    let mut reader = Reader::new(&documents[0]);
    Sample::decode(&documents[0].root, &mut reader);
    assert_eq!(reader.diagnostics.0.len(), MAX_PER_FILE + 1);
}
