// Goal: every kind of mistake is answered with its place, what is wrong and what would be right, and all at once.
// Method: a corpus of bad studies with their golden listings. Each listing was read before it was kept.

import Experiment
import KeyValue
import Testing

/// One bad study and what it is answered with.
struct Mistake: CustomTestStringConvertible, Sendable {
  var name: String
  var text: String
  var scale: String?
  var sets: [String] = []
  var listing: String
  var testDescription: String { name }
}

@Suite("Study: mistakes")
struct StudyMistakeTests {
  @Test("golden listing", arguments: mistakes)
  func golden(_ mistake: Mistake) {
    let found = Toy.listing(mistake.text, scale: mistake.scale, sets: mistake.sets)
    if found != mistake.listing { print("=== \(mistake.name)\n\(found)\n===") }
    #expect(found == mistake.listing)
  }

  @Test("the samples the mistakes are made from have none")
  func samples() {
    #expect(Toy.listing(Toy.study) == "")
    #expect(Toy.listing(Toy.small) == "")
    #expect(Toy.listing(Toy.study, scale: "smoke") == "")
    #expect(Toy.listing(Toy.study, scale: "narrow") == "")
  }

  /// `Toy.small` with one line replaced, or lines added after it.
  private static func small(_ old: String, _ new: String) -> String {
    precondition(Toy.small.contains(old), "The sample contains '\(old)'.")
    return Toy.small.replacing(old, with: new)
  }

  static let mistakes: [Mistake] = [
    Mistake(
      name: "empty", text: "",
      listing: """
        s.yaml:1:1: the study is empty
        1 problem
        """),
    Mistake(
      name: "not a map", text: "- a\n- b",
      listing: """
        s.yaml:1:1: is a list, a map of keys is wanted
            allowed: schema, study, title, question, seed, repeats, memory_budget, device, workload, stream, commit, engines, phases, axes, scales, figures, claims, execution
        1 problem
        """),
    Mistake(
      name: "YAML: unclosed bracket", text: "schema: 1\nengines: [a, b\nstudy: x",
      listing: """
        s.yaml:3:6: is not YAML: did not find expected ',' or ']' (while parsing a flow sequence, begun in line 2)
        1 problem
        """),
    Mistake(
      name: "YAML: tab", text: "schema: 1\nworkload:\n\trecords: 1",
      listing: """
        s.yaml:3:1: is not YAML: found character that cannot start any token (while scanning for the next token, begun in line 3)
        1 problem
        """),
    Mistake(
      name: "YAML: two documents", text: "schema: 1\n---\nschema: 1",
      listing: """
        s.yaml:2:1: is not YAML: but found another document (expected a single document in the stream, begun in line 1)
        1 problem
        """),
    Mistake(
      name: "everything missing", text: "title: nothing",
      listing: """
        s.yaml:1:1: key 'schema': is missing
        s.yaml:1:1: key 'study': is missing
        s.yaml:1:1: key 'memory_budget': is missing
        s.yaml:1:1: key 'workload.records': is missing
        s.yaml:1:1: key 'engines': is missing
        s.yaml:1:1: key 'phases': is missing
        6 problems
        """),
    Mistake(
      name: "unknown key",
      text: small("workload: { records: 100 }", "workload: { recrods: 100, records: 5 }"),
      listing: """
        s.yaml:4:13: key 'workload.recrods': is not a key of 'workload'
            nearest: records
            allowed: key_bytes, key_shape, records, value_bytes
        1 problem
        """),
    Mistake(
      name: "unknown key at the top", text: small("memory_budget: 1MiB", "memory_bugdet: 1MiB"),
      listing: """
        s.yaml:1:1: key 'memory_budget': is missing
        s.yaml:3:1: key 'memory_bugdet': is not a key of a study
            nearest: memory_budget
            allowed: schema, study, title, question, seed, repeats, memory_budget, device, workload, stream, commit, engines, phases, axes, scales, figures, claims, execution
        2 problems
        """),
    Mistake(
      name: "wrong types",
      text: small(
        "workload: { records: 100 }",
        "workload: { records: many, key_bytes: \"16\", value_bytes: 1.5KB, key_shape: [random] }"),
      listing: """
        s.yaml:4:22: key 'workload.records': is 'many': it is not a whole number such as 1_000_000
            allowed: 1 … 1_000_000_000
        s.yaml:4:39: key 'workload.key_bytes': is the text "16", a size is wanted without quotes
            allowed: 8B … 4KiB
        s.yaml:4:58: key 'workload.value_bytes': is '1.5KB': unit 'KB' may mean powers of 1,000 or of 1,024; write KiB or the number of bytes
            allowed: 0B … 1MiB
        s.yaml:4:76: key 'workload.key_shape': is a list, one of the allowed words is wanted
            allowed: random, sequential
        4 problems
        """),
    Mistake(
      name: "out of range",
      text: small(
        "workload: { records: 100 }",
        "workload: { records: 0, key_bytes: 4, value_bytes: 2MiB, key_shape: randm }"),
      listing: """
        s.yaml:4:22: key 'workload.records': is 0, which is out of range
            allowed: 1 … 1_000_000_000
        s.yaml:4:36: key 'workload.key_bytes': is 4, which is out of range
            allowed: 8B … 4KiB
        s.yaml:4:52: key 'workload.value_bytes': is 2MiB, which is out of range
            allowed: 0B … 1MiB
        s.yaml:4:69: key 'workload.key_shape': is 'randm', one of the allowed words is wanted
            nearest: random
            allowed: random, sequential
        4 problems
        """),
    Mistake(
      name: "numbers",
      text: small(
        "workload: { records: 100 }", "workload: { records: 1e6, key_bytes: -8, value_bytes: 1__0 }"),
      listing: """
        s.yaml:4:22: key 'workload.records': is '1e6': a whole number is expected, without a fraction
            allowed: 1 … 1_000_000_000
        s.yaml:4:38: key 'workload.key_bytes': is '-8': a size is not negative
            allowed: 8B … 4KiB
        s.yaml:4:55: key 'workload.value_bytes': is '1__0': '_' stands only between two digits
            allowed: 0B … 1MiB
        3 problems
        """),
    Mistake(
      name: "booleans are true or false",
      text: small("{ engine: tree }", "{ engine: tree, parameters: { checks: yes, mode: on, fill: .5 } }"),
      listing: """
        s.yaml:6:43: key 'engines.tree.parameters.checks': is 'yes', true or false is wanted
            allowed: true, false
        s.yaml:6:54: key 'engines.tree.parameters.mode': is 'on', one of the allowed words is wanted
            allowed: off, wal
        s.yaml:6:64: key 'engines.tree.parameters.fill': is '.5': it is not a number such as 1.5 or 2e-3
            allowed: 0.1 … 1.0
        3 problems
        """),
    Mistake(
      name: "no value", text: small("workload: { records: 100 }", "workload:\n  records:\n  key_bytes: ~"),
      listing: """
        s.yaml:5:11: key 'workload.records': has no value, a whole number is wanted
            allowed: 1 … 1_000_000_000
        s.yaml:6:14: key 'workload.key_bytes': has no value, a size is wanted
            allowed: 8B … 4KiB
        2 problems
        """),
    Mistake(
      name: "duplicate keys",
      text: small(
        "workload: { records: 100 }",
        "workload: { records: 100, key_bytes: 9, records: 200 }\nseed: 1\nseed: 2\nseed: x"),
      listing: """
        s.yaml:4:41: key 'workload.records': is given twice, first in line 4
        s.yaml:7:1: key 'seed': is given twice, first in line 5
        s.yaml:7:1: key 'seed': is given twice, first in line 6
        s.yaml:7:7: key 'seed': is 'x': it is not a whole number such as 1_000_000
            allowed: 0 … 9_007_199_254_740_991
        4 problems
        """),
    Mistake(
      name: "duplicate quoted key of one letter", text: "\"s\": 1\ns: 2\nschema: 1",
      listing: """
        s.yaml:1:1: key 'study': is missing
        s.yaml:1:1: key 'memory_budget': is missing
        s.yaml:1:1: key 'workload.records': is missing
        s.yaml:1:1: key 'engines': is missing
        s.yaml:1:1: key 'phases': is missing
        s.yaml:2:1: key 's': is given twice, first in line 1
        s.yaml:2:1: key 's': is not a key of a study
            nearest: schema
            allowed: schema, study, title, question, seed, repeats, memory_budget, device, workload, stream, commit, engines, phases, axes, scales, figures, claims, execution
        7 problems
        """),
    Mistake(
      name: "anchors", text: small("workload: { records: 100 }", "workload: &w { records: 100 }\ntitle: *w"),
      listing: """
        s.yaml:4:1: key 'workload': has the anchor &w; write every value out where it is used
        s.yaml:5:1: key 'title': is the alias *w; write every value out where it is used
        2 problems
        """),
    Mistake(
      name: "unknown engine", text: small("{ engine: tree }", "{ engine: tere }\n  - tree\n  - { label: x }"),
      listing: """
        s.yaml:6:15: key 'engines.0.engine': is 'tere', which is no engine
            nearest: tree
            allowed: tree, null, heap
        s.yaml:7:5: key 'engines.1': is 'tree', a map such as { engine: NAME } is wanted
            allowed: engine, label, maximum_operations, parameters, records
        s.yaml:8:5: key 'engines.2.engine': is missing
        3 problems
        """),
    Mistake(
      name: "engine parameters",
      text: small(
        "{ engine: tree }",
        "{ engine: tree, page_bytes: 4KiB, parameters: { page_byte: 4KiB, fill: 2 } }\n  - { engine: \"null\" }\n  - { engine: \"null\", records: lots, parameters: [4] }"
      ),
      listing: """
        s.yaml:6:21: key 'engines.0.page_bytes': is not a key of an engine's item; it is a parameter: write it under 'parameters'
            nearest: parameters.page_bytes
            allowed: engine, label, maximum_operations, parameters, records
        s.yaml:6:53: key 'engines.tree.parameters.page_byte': is not a key of engine 'tree'
            nearest: page_bytes
            allowed: checks, fill, mode, page_bytes
        s.yaml:6:76: key 'engines.tree.parameters.fill': is 2, which is out of range
            allowed: 0.1 … 1.0
        s.yaml:7:5: key 'engines.null.parameters.lanes': is missing
        s.yaml:8:15: key 'engines.2.label': is 'null', as in line 7; give each engine a label of its own
        s.yaml:8:32: key 'engines.null.records': is 'lots': it is not a whole number such as 1_000_000
            allowed: 1 … 1_000_000_000
        s.yaml:8:50: key 'engines.null.parameters': is a list, a map of keys is wanted
        7 problems
        """),
    Mistake(
      name: "labels",
      text: small(
        "{ engine: tree }", "{ engine: tree }\n  - { engine: tree }\n  - { engine: tree, label: A b }"),
      listing: """
        s.yaml:7:15: key 'engines.1.label': is 'tree', as in line 6; give each engine a label of its own
        s.yaml:8:28: key 'engines.2.label': is 'A b', which is not a name of 1 to 64 letters
            allowed: a-z 0-9 - _
        2 problems
        """),
    Mistake(
      name: "no engines", text: small("\n  - { engine: tree }", " []"),
      listing: """
        s.yaml:5:10: key 'engines': is an empty list, at least one item is wanted
        1 problem
        """),
    Mistake(
      name: "unknown phase", text: small("{ phase: read }", "{ phase: raed }\n  - load\n  - { name: x }"),
      listing: """
        s.yaml:9:14: key 'phases.1.phase': is 'raed', which is no kind of phase
            nearest: read
            allowed: load, read, mixed, settle
        s.yaml:10:5: key 'phases.2': is 'load', a map such as { phase: KIND } is wanted
            allowed: load, read, mixed, settle
        s.yaml:11:5: key 'phases.3.phase': is missing
        3 problems
        """),
    Mistake(
      name: "read before load",
      text: small(
        "  - { phase: load }\n  - { phase: read }",
        "  - { phase: read }\n  - { phase: load }\n  - { phase: load, name: again }"),
      listing: """
        s.yaml:8:14: key 'phases.0.phase': is 'read', which works on records, before any phase has loaded them
            allowed: a phase of kind load before it
        s.yaml:10:14: key 'phases.2.phase': loads the records again; line 9 has done it
        2 problems
        """),
    Mistake(
      name: "phase names",
      text: small("{ phase: read }", "{ phase: read, name: load }\n  - { phase: read, name: Cold Read }"),
      listing: """
        s.yaml:10:26: key 'phases.2.name': is 'Cold Read', which is not a name of 1 to 64 letters
            allowed: a-z 0-9 - _
        1 problem
        """),
    Mistake(
      name: "theta with uniform",
      text: small(
        "{ phase: read }",
        "{ phase: read, theta: 0.9 }\n  - { phase: read, distribution: zipff, theta: 0.9 }\n  - { phase: read, distribution: zipf, theta: -1 }"
      ),
      listing: """
        s.yaml:9:20: key 'phases.read.theta': is a parameter of the distributions zipf, latest, not of 'uniform'
        s.yaml:10:34: key 'phases.read_2.distribution': is 'zipff', one of the allowed words is wanted
            nearest: zipf
            allowed: uniform, zipf, latest
        s.yaml:11:47: key 'phases.read_3.theta': is -1, which is out of range
            allowed: 0.0 … 10.0
        3 problems
        """),
    Mistake(
      name: "scan_entries without scan",
      text: small(
        "{ phase: read }",
        "{ phase: read, scan_entries: 5 }\n  - { phase: mixed, mix: { put: 1 }, scan_entries: 5 }"),
      listing: """
        s.yaml:9:20: key 'phases.read.scan_entries': is given, and no operation of this phase is scan
        s.yaml:10:38: key 'phases.mixed.scan_entries': is given, and no operation of this phase is scan
        2 problems
        """),
    Mistake(
      name: "mix",
      text: small(
        "{ phase: read }",
        "{ phase: mixed, mix: { put: 0 } }\n  - { phase: mixed, name: m2 }\n  - { phase: mixed, name: m3, mix: { putt: 1 } }\n  - { phase: mixed, name: m4, mix: put }"
      ),
      listing: """
        s.yaml:9:21: key 'phases.mixed.mix': has only zero weights; at least one operation must be drawn
        s.yaml:10:5: key 'phases.m2.mix': has only zero weights; at least one operation must be drawn
        s.yaml:11:38: key 'phases.m3.mix.putt': is not a key of 'mix'
            nearest: put
            allowed: get_hit, put, scan
        s.yaml:12:36: key 'phases.m4.mix': is 'put', a map of keys is wanted
        4 problems
        """),
    Mistake(
      name: "device",
      text: small(
        "memory_budget: 1MiB",
        "memory_budget: 1MiB\ndevice: { kind: memory, transfer_unit: 3000, io: direct, path: /x }"),
      listing: """
        s.yaml:4:40: key 'device.transfer_unit': is 3000 bytes, a power of two is wanted
            allowed: 512B … 1MiB
        1 problem
        """),
    Mistake(
      name: "device sizes",
      text: small(
        "memory_budget: 1MiB",
        "memory_budget: 1MiB\ndevice: { capacity: 1048577, transfer_unit: 8KiB, maximum_transfer: 4KiB, profile: fast }"
      ),
      listing: """
        s.yaml:4:21: key 'device.capacity': is 1048577 bytes, which is no multiple of the transfer unit, 8192 bytes
        s.yaml:4:69: key 'device.maximum_transfer': is 4096 bytes, which is no multiple of the transfer unit, 8192 bytes
        s.yaml:4:84: key 'device.profile': is 'fast', one of the allowed words is wanted
            allowed: plain, slow
        3 problems
        """),
    Mistake(
      name: "memory budget", text: small("memory_budget: 1MiB", "memory_budget: data/0"),
      listing: """
        s.yaml:3:16: key 'memory_budget': is data/0, which is out of range
            allowed: 64KiB … 64TiB, data/1 … data/1_000_000
        1 problem
        """),
    Mistake(
      name: "memory budget, a fraction", text: small("memory_budget: 1MiB", "memory_budget: 1/8"),
      listing: """
        s.yaml:3:16: key 'memory_budget': is '1/8': '1/8' is not a number such as 64 or 1.5; a size such as 64MiB or a fraction of the data such as data/8 is wanted
            allowed: 64KiB … 64TiB, data/1 … data/1_000_000
        1 problem
        """
    ),
    Mistake(
      name: "schema", text: small("schema: 1", "schema: 2"),
      listing: """
        s.yaml:1:9: key 'schema': is 2, which is out of range
            allowed: 1
        1 problem
        """),
    Mistake(
      name: "study id", text: small("study: small", "study: Small Study"),
      listing: """
        s.yaml:2:8: key 'study': is 'Small Study', which is not a name of 1 to 64 letters
            allowed: a-z 0-9 -
        1 problem
        """),
    Mistake(
      name: "axes",
      text: Toy.small
        + "\naxes:\n  engines.tree.page_byte: [1]\n  engines.tre.fill: [1]\n  workload.value_bytes: 5\n  workload.key_bytes: [16, 16, x]\n  repeats: [1, 2]\n  phases.raed.operations: [1]\n  engines.tree.fill: [0.5, 0.50]\n  engines.tree.parameters.fill: [1]",
      listing: """
        s.yaml:11:3: key 'axes.engines.tree.page_byte': names 'page_byte', which is no parameter of engine 'tree'
            nearest: page_bytes
            allowed: checks, fill, maximum_operations, mode, page_bytes, records
        s.yaml:12:3: key 'axes.engines.tre.fill': names 'tre', which is no engine of this study
            nearest: tree
            allowed: tree
        s.yaml:13:25: key 'axes.workload.value_bytes': is '5', a list of values is wanted
        s.yaml:14:28: key 'axes.workload.key_bytes': has the value 16 twice
        s.yaml:14:32: key 'axes.workload.key_bytes': is 'x': unit 'x' is none of B, KiB, MiB, GiB, TiB
            allowed: 8B … 4KiB
        s.yaml:15:3: key 'axes.repeats': is not the path of a key that can vary
            allowed: commit., device., engines.LABEL., memory_budget, phases.NAME., workload.
        s.yaml:16:3: key 'axes.phases.raed.operations': names 'raed', which is no phase of this study
            nearest: read
            allowed: load, read
        s.yaml:17:28: key 'axes.engines.tree.fill': has the value 0.5 twice
        s.yaml:18:3: key 'axes.engines.tree.parameters.fill': is an axis of this study already, under another spelling
        9 problems
        """),
    Mistake(
      name: "grid too large",
      text: Toy.small
        + "\naxes:\n  workload.records: [\(list(1...1100))]\n  workload.value_bytes: [\(list(1...1100))]",
      listing: """
        s.yaml:12:3: key 'axes.workload.value_bytes': makes the grid larger than 1_000_000 runs
        1 problem
        """),
    Mistake(
      name: "figures",
      text: Toy.small
        + "\nfigures:\n  - { figure: bar, phase: lod }\n  - { figure: bars, phase: load, phases: [read] }\n  - { figure: curve, phases: read, metric: wa, axis: seed, colour: red }\n  - bars\n  - { figure: bars, metric: ra_ios }",
      listing: """
        s.yaml:11:15: key 'figures.0.figure': is 'bar', which is no kind of figure
            nearest: bars
            allowed: bars, curve
        s.yaml:11:27: key 'figures.0.phase': is 'lod', which is no phase of this study
            nearest: load
            allowed: load, read
        s.yaml:12:21: key 'figures.1.phase': stands beside 'phases'; keep one
        s.yaml:13:30: key 'figures.2.phases': is 'read', a list of phases is wanted
            allowed: load, read
        s.yaml:13:44: key 'figures.2.metric': is 'wa', which is no metric
            nearest: wa_total_end
            allowed: wa_total_end, ra_ios
        s.yaml:13:54: key 'figures.2.axis': is 'seed', which is no axis of this study
        s.yaml:13:60: key 'figures.2.colour': is not a key of a figure
            allowed: axis, engines, figure, metric, model, name, per, phase, phases, points, source, title, x_scale, y_scale
        s.yaml:14:5: key 'figures.3': is 'bars', a map such as { figure: KIND } is wanted
            allowed: bars, curve
        s.yaml:15:21: key 'figures.4.metric': is not a key of a figure of kind 'bars'
        9 problems
        """),
    Mistake(
      name: "scales, asked for or not",
      text: Toy.small
        + "\nscales:\n  smoke: { workload.recrods: 5, workload.value_bytes: 2MiB }\n  big: { engines.tre.records: 5, phases.read.operations: x, engines: [tre] }\n  odd: 5",
      listing: """
        s.yaml:11:12: key 'scales.smoke.workload.recrods': is not a key of 'workload'
            nearest: records
            allowed: key_bytes, key_shape, records, value_bytes
        s.yaml:11:55: key 'scales.smoke.workload.value_bytes': is 2MiB, which is out of range
            allowed: 0B … 1MiB
        s.yaml:12:10: key 'scales.big.engines.tre.records': names 'tre', which is no engine of this study
            nearest: tree
            allowed: tree
        s.yaml:12:58: key 'scales.big.phases.read.operations': is 'x': it is not a whole number such as 1_000_000
            allowed: 0 … 1_000_000_000
        s.yaml:12:71: key 'scales.big.engines': names 'tre', which is no engine of this study
            nearest: tree
            allowed: tree
        s.yaml:13:8: key 'scales.odd': is '5', a map from key path to value is wanted
        6 problems
        """),
    Mistake(
      name: "unknown scale", text: Toy.study, scale: "smok",
      listing: """
        command line: scale 'smok' is asked for, which this study does not have
            nearest: smoke
            allowed: smoke, paper, narrow
        1 problem
        """),
    Mistake(
      name: "no scales", text: Toy.small, scale: "smoke",
      listing: """
        command line: scale 'smoke' is asked for, and this study has no scales
        1 problem
        """),
    Mistake(
      name: "--set", text: Toy.small,
      sets: [
        "workload.recrods=5", "seed", "=3", "engines.tere.fill=1", "engines.tree.fil=0.5",
        "phases.raed.operations=1", "axes.seed=1", "workload.value_bytes=1,x,3", "engines=tree,null",
        "nonsense=1", "engines.tree=1", "memory_budget=much",
      ],
      listing: """
        command line: key 'workload.recrods': is not a key of 'workload'
            nearest: records
            allowed: key_bytes, key_shape, records, value_bytes
        command line: '--set seed' is not of the form key.path=value
        command line: '--set =3' is not of the form key.path=value
        command line: key 'engines.tere.fill': names 'tere', which is no engine of this study
            nearest: tree
            allowed: tree
        command line: key 'engines.tree.parameters.fil': is not a key of engine 'tree'
            nearest: fill
            allowed: checks, fill, mode, page_bytes
        command line: key 'phases.raed.operations': names 'raed', which is no phase of this study
            nearest: read
            allowed: load, read
        command line: key 'axes.seed': cannot be set; set the key itself, to a comma list for an axis
        command line: key 'axes.workload.value_bytes': is 'x': unit 'x' is none of B, KiB, MiB, GiB, TiB
            allowed: 0B … 1MiB
        command line: key 'engines': names 'null', which is no engine of this study
            allowed: tree
        command line: key 'nonsense': is not a key of a study
            allowed: schema, study, title, question, seed, repeats, memory_budget, device, workload, stream, commit, engines, phases, axes, scales, figures, claims, execution
        command line: key 'engines.tree': is not the path of a key; write engines.LABEL.PARAMETER
            allowed: tree
        command line: key 'memory_budget': is 'much': unit 'much' is none of B, KiB, MiB, GiB, TiB; a size such as 64MiB or a fraction of the data such as data/8 is wanted
            allowed: 64KiB … 64TiB, data/1 … data/1_000_000
        12 problems
        """),
    Mistake(
      name: "--set does not hide the file's mistakes",
      text: small("workload: { records: 100 }", "workload: { records: x }"), sets: ["workload.key_bytes=3"],
      listing: """
        s.yaml:4:22: key 'workload.records': is 'x': it is not a whole number such as 1_000_000
            allowed: 1 … 1_000_000_000
        command line: key 'workload.key_bytes': is 3, which is out of range
            allowed: 8B … 4KiB
        2 problems
        """),
    Mistake(
      name: "--set mends the file's mistake",
      text: small("workload: { records: 100 }", "workload: { records: x }"), sets: ["workload.records=1_000"],
      listing: ""),
    Mistake(
      name: "several at once, in order",
      text: """
        schema: 1
        study: several
        memory_budget: 64KB
        workload: { records: 1_000_000_000_000, value_byte: 5 }
        engines:
          - { engine: tree, parameters: { page_bytes: 100 } }
          - { engine: tree }
        phases:
          - { phase: read, distribution: zipf, thta: 1 }
        figures:
          - { figure: bars, phase: load }
        repeats: 0
        """,
      listing: """
        s.yaml:3:16: key 'memory_budget': is '64KB': unit 'KB' may mean powers of 1,000 or of 1,024; write KiB or the number of bytes; a size such as 64MiB or a fraction of the data such as data/8 is wanted
            allowed: 64KiB … 64TiB, data/1 … data/1_000_000
        s.yaml:4:22: key 'workload.records': is 1_000_000_000_000, which is out of range
            allowed: 1 … 1_000_000_000
        s.yaml:4:41: key 'workload.value_byte': is not a key of 'workload'
            nearest: value_bytes
            allowed: key_bytes, key_shape, records, value_bytes
        s.yaml:6:47: key 'engines.tree.parameters.page_bytes': is 100, which is out of range
            allowed: 512B … 64KiB
        s.yaml:7:15: key 'engines.1.label': is 'tree', as in line 6; give each engine a label of its own
        s.yaml:9:14: key 'phases.0.phase': is 'read', which works on records, before any phase has loaded them
            allowed: a phase of kind load before it
        s.yaml:9:40: key 'phases.read.thta': is not a key of a phase of kind 'read'
            nearest: theta
            allowed: distribution, name, operation, operations, phase, scan_entries, theta
        s.yaml:11:28: key 'figures.0.phase': is 'load', which is no phase of this study
            nearest: read
            allowed: read
        s.yaml:12:10: key 'repeats': is 0, which is out of range
            allowed: 1 … 1_000
        9 problems
        """),
  ]

  private static func list(_ range: ClosedRange<Int>) -> String {
    range.map(String.init).joined(separator: ", ")
  }
}
