// Goal: a study expands to exactly the runs it asks for, in a fair order, with identities that depend on content
// alone.
// Method: small grids counted by hand; one change at a time against the ids; ten thousand runs for speed (printed).

import Experiment
import KeyValue
import Results
import Testing

@Suite("Study: plan")
struct StudyPlanTests {
  private func plan(_ text: String, scale: String? = nil, sets: [String] = []) throws -> Plan {
    try Plan(Toy.decode(text, scale: scale, sets: sets), vocabulary: Toy.vocabulary)
  }

  @Test("grid × engines × repeats, axes of one engine inside its turn")
  func grid() throws {
    let plan = try plan(Toy.study)
    // Two values of value_bytes; two trees with two page sizes, null with none; two repeats.
    #expect(plan.runs.count == 2 * (2 + 2 + 1) * 2)
    #expect(plan.runs.map(\.ordinal) == Array(0..<20))
    #expect(Set(plan.runs.map(\.id)).count == 20)
    let first = plan.runs[0]
    #expect(first.label == "tree-wal")
    #expect(first.axisPoints.map(\.path) == ["workload.value_bytes", "engines.tree.page_bytes"])
    #expect(first.engineParameters.sorted.map(\.name) == ["checks", "fill", "mode", "page_bytes"])
    #expect(first.engineFormatVersion == 3)
    #expect(first.memoryBudgetByteCount == 1_000_000 * 116 / 8)
    let off = try #require(plan.runs.first { $0.label == "tree-off" })
    #expect(off.records == 10_000)
    // A fraction of the data is at least 1 MiB.
    #expect(off.memoryBudgetByteCount == 1 << 20)
  }

  @Test("engines interleaved, the first one rotated by repeat and cell")
  func order() throws {
    let text = Toy.small.replacing(
      "  - { engine: tree }",
      with: "  - { engine: tree }\n  - { engine: tree, label: b }\n  - { engine: tree, label: c }")
    let labels = try plan(text, sets: ["repeats=4"]).runs.map(\.label)
    #expect(labels == ["tree", "b", "c", "b", "c", "tree", "c", "tree", "b", "tree", "b", "c"])
    let cells = try plan(text, sets: ["workload.value_bytes=1,2"]).runs.map(\.label)
    #expect(cells == ["tree", "b", "c", "b", "c", "tree"])
  }

  @Test("one seed per repeat, the same for every engine, below 2^53")
  func seeds() throws {
    let plan = try plan(Toy.study)
    for repeatIndex in 0..<2 {
      let seeds = Set(plan.runs.filter { $0.repeatIndex == repeatIndex }.map(\.seed))
      #expect(seeds.count == 1)
      #expect(seeds.allSatisfy { $0 < 1 << 53 })
    }
    #expect(RunSpec.seed(studySeed: 7, repeatIndex: 0) != RunSpec.seed(studySeed: 7, repeatIndex: 1))
    #expect(RunSpec.seed(studySeed: 7, repeatIndex: 1) != RunSpec.seed(studySeed: 8, repeatIndex: 0))
    // SplitMix64 of seed 0, first output, as published: e220a8397b1dcdaf.
    #expect(RunSpec.seed(studySeed: 0, repeatIndex: 0) == 0xe220_a839_7b1d_cdaf >> 11)
  }

  @Test("an id is the beginning of the SHA-256 of the canonical text")
  func identity() throws {
    let run = try plan(Toy.small).runs[0]
    #expect(run.id == String(SHA256.hexadecimal(Array(run.canonicalText.utf8)).prefix(12)))
    #expect(
      run.canonicalText
        == #"{"commit":{"batch_operations":1000,"sync_every_commits":0},"device":{"capacity":4294967296,"#
        + #""coalesce":true,"kind":"memory","maximum_transfer":4194304,"profile":"plain","transfer_unit":4096},"#
        + #""engine":"tree","engine_format_version":3,"engine_parameters":{"checks":true,"fill":0.7,"mode":"wal","#
        + #""page_bytes":4096},"label":"tree","memory_budget_bytes":1048576,"phases":[{"name":"load","#
        + #""order":"random","phase":"load"},{"distribution":"uniform","name":"read","operation":"get_hit","#
        + #""operations":1000,"phase":"read"}],"repeat":0,"seed":\#(run.seed),"study_seed":1,"#
        + #""workload":{"key_bytes":16,"key_shape":"random","records":100,"value_bytes":100}}"#)
  }

  @Test(
    "ids do not change with spelling, order of keys, comments, names of the study, figures, or place in the plan"
  )
  func stableIdentity() throws {
    let base = try plan(Toy.small).runs[0].id
    let same: [(String, [String])] = [
      ("# a comment\n" + Toy.small + "\n# another", []),
      (
        """
        phases:
          - { name: load, phase: load }
          - { operation: get_hit, phase: read, operations: 1_000, distribution: uniform }
        engines: [{ parameters: { page_bytes: 4KiB, mode: wal }, label: tree, engine: tree }]
        workload: { key_bytes: 16B, records: 1_00 }
        memory_budget: 1024KiB
        study: another
        title: Another
        schema: 1
        figures: [{ figure: bars }]
        """, []
      ),
      (Toy.small, ["title=x", "study=renamed"]),
      (Toy.small, ["workload.records=100"]),
      (Toy.small, ["engines.tree.page_bytes=4096,8KiB"]),
      (Toy.small, ["repeats=3"]),
      (Toy.small, ["memory_budget=1048576"]),
    ]
    for (text, sets) in same { #expect(try plan(text, sets: sets).runs[0].id == base, "\(sets)") }
  }

  @Test(
    "ids change with every value that matters",
    arguments: [
      "seed=2", "memory_budget=2MiB", "workload.records=101", "workload.key_bytes=17",
      "workload.value_bytes=99",
      "workload.key_shape=sequential", "commit.batch_operations=999", "commit.sync_every_commits=1",
      "device.capacity=1GiB", "device.transfer_unit=512", "device.coalesce=false", "device.profile=slow",
      "device.kind=file", "device.maximum_transfer=1MiB", "engines.tree.page_bytes=8KiB",
      "engines.tree.fill=0.71",
      "engines.tree.mode=off", "engines.tree.checks=false", "engines.tree.records=5",
      "phases.load.order=sequential",
      "phases.read.operations=1001", "phases.read.distribution=zipf", "phases.read.operation=scan",
    ])
  func meaningfulIdentity(_ set: String) throws {
    let base = try plan(Toy.small).runs[0].id
    let changed = try plan(Toy.small, sets: [set]).runs[0].id
    #expect(changed != base)
  }

  @Test("the engine's format version and the label are part of the identity")
  func formatVersion() throws {
    var vocabulary = Toy.vocabulary
    vocabulary.engines[0].formatVersion = 4
    let study = try Toy.decode(Toy.small)
    let old = try Plan(study, vocabulary: Toy.vocabulary).runs[0].id
    #expect(try Plan(study, vocabulary: vocabulary).runs[0].id != old)
    let labelled = Toy.small.replacing("{ engine: tree }", with: "{ engine: tree, label: other }")
    #expect(try plan(labelled).runs[0].id != old)
  }

  @Test("a grid point that changes nothing the run uses is planned once")
  func unusedAxis() throws {
    let sets = ["phases.read.distribution=uniform,zipf", "phases.read.theta=0.5,0.9,1.1"]
    let runs = try plan(Toy.small, sets: sets).runs
    #expect(runs.count == 1 + 3)
    #expect(runs[0].phases[1].parameters["theta"] == nil)
    #expect(runs[1].phases[1].parameters["theta"] == .real(0.5))
  }

  @Test("an axis over records leaves engines with records of their own alone")
  func recordsAxis() throws {
    let text = Toy.small.replacing(
      "{ engine: tree }", with: "{ engine: tree }\n  - { engine: tree, label: b, records: 7 }")
    let runs = try plan(text, sets: ["workload.records=10,20,30"]).runs
    #expect(runs.filter { $0.label == "tree" }.map(\.records) == [10, 20, 30])
    #expect(runs.filter { $0.label == "b" }.map(\.records) == [7])
    let both = try plan(text, sets: ["engines.b.records=1,2"]).runs
    #expect(both.filter { $0.label == "b" }.map(\.records) == [1, 2])
  }

  @Test("maximum_operations caps every phase but the load")
  func maximumOperations() throws {
    let text = Toy.small.replacing("{ engine: tree }", with: "{ engine: tree, maximum_operations: 10 }")
    let run = try plan(text).runs[0]
    #expect(run.records == 100)
    #expect(run.phases[1].parameters["operations"] == .integer(10))
    let set = try plan(Toy.small, sets: ["engines.tree.maximum_operations=5,2_000"]).runs
    #expect(set.map { $0.phases[1].parameters["operations"] } == [.integer(5), .integer(1_000)])
  }

  @Test("ten thousand runs")
  func speed() throws {
    let values = (1...100).map { String($0 * 8) }.joined(separator: ",")
    let sets = [
      "workload.value_bytes=\(values)",
      "engines.tree.page_bytes=\((0..<10).map { String(512 + $0) }.joined(separator: ","))", "repeats=10",
    ]
    let study = try Toy.decode(Toy.small, sets: sets)
    let clock = ContinuousClock()
    var count = 0
    let elapsed = try clock.measure { count = try Plan(study, vocabulary: Toy.vocabulary).runs.count }
    #expect(count == 10_000)
    print("expanding 10,000 runs took \(elapsed)")
  }
}

@Suite("Study: overrides")
struct StudyOverrideTests {
  @Test("file < scale < set")
  func precedence() throws {
    #expect(try Toy.decode(Toy.study).workload.integer("records") == 1_000_000)
    #expect(try Toy.decode(Toy.study, scale: "smoke").workload.integer("records") == 1_000)
    let set = try Toy.decode(Toy.study, scale: "smoke", sets: ["workload.records=2_000"])
    #expect(set.workload.integer("records") == 2_000)
    #expect(set.repeats == 1)
    #expect(set.engines[1].records == 100)
    #expect(try Toy.decode(Toy.study, scale: "paper") == Toy.decode(Toy.study))
  }

  @Test("the last of equal overrides wins")
  func last() throws {
    #expect(try Toy.decode(Toy.small, sets: ["seed=2", "seed=3"]).seed == 3)
  }

  @Test("a comma list becomes an axis, one value narrows one")
  func axes() throws {
    let list = try Toy.decode(Toy.small, sets: ["engines.tree.page_bytes=4KiB, 8KiB"])
    #expect(list.axes.map(\.values) == [[.integer(4096), .integer(8192)]])
    let budget = try Toy.decode(Toy.small, sets: ["memory_budget=1MiB,data/2"])
    #expect(budget.axes[0].values == [.integer(1 << 20), .text("data/2")])
    let single = try Toy.decode(Toy.study, sets: ["workload.value_bytes=7"])
    #expect(single.axes.map(\.path) == ["engines.tree.page_bytes", "workload.value_bytes"])
    #expect(single.axes[1].values == [.integer(7)])
    let bracketed = try Toy.decode(Toy.small, sets: ["workload.value_bytes=[7]"])
    #expect(bracketed.axes.map(\.values) == [[.integer(7)]])
    let replaced = try Toy.decode(Toy.study, sets: ["workload.value_bytes=1,2,3"])
    #expect(replaced.axes.map(\.path) == ["engines.tree.page_bytes", "workload.value_bytes"])
    #expect(replaced.axes[1].values.count == 3)
    let long = try Toy.decode(
      Toy.small, sets: ["engines.tree.fill=0.2,0.3", "engines.tree.parameters.fill=0.4,0.5"])
    #expect(long.axes.map(\.values) == [[.real(0.4), .real(0.5)]])
  }

  @Test("a label means its entry, an engine's name every entry of it")
  func labels() throws {
    let one = try Toy.decode(Toy.study, sets: ["engines.tree-off.fill=0.5"])
    #expect(one.engines.map { $0.parameters["fill"] } == [.real(0.7), .real(0.5), nil])
    let both = try Toy.decode(Toy.study, sets: ["engines.tree.fill=0.5"])
    #expect(both.engines.map { $0.parameters["fill"] } == [.real(0.5), .real(0.5), nil])
  }

  @Test("engines=… keeps those engines; axes of the others go with them")
  func selection() throws {
    let kept = try Toy.decode(Toy.study, sets: ["engines=null,tree-off"])
    #expect(kept.engines.map(\.label) == ["tree-off", "null"])
    #expect(kept.axes.count == 2)
    let null = try Toy.decode(Toy.study, scale: "smoke", sets: ["engines=null"])
    #expect(null.engines.map(\.label) == ["null"])
    #expect(null.axes.map(\.path) == ["workload.value_bytes"])
    #expect(null.figures.map(\.figure) == ["bars"])
    #expect(try Toy.decode(Toy.study, scale: "narrow").engines.map(\.label) == ["tree-wal"])
  }

  @Test("phases are named by name; nested keys by dots; a new distribution drops the old one's parameters")
  func phases() throws {
    let study = try Toy.decode(
      Toy.study,
      sets: ["phases.mixed.mix.scan=5", "phases.mixed.scan_entries=3", "phases.hot.distribution=uniform"])
    #expect(study.phases[6].parameters["mix.scan"] == .real(5))
    #expect(study.phases[6].parameters["mix.put"] == .real(50))
    #expect(study.phases[6].parameters["scan_entries"] == .integer(3))
    #expect(study.phases[4].parameters["theta"] == nil)
    let latest = try Toy.decode(Toy.study, sets: ["phases.hot.distribution=latest"])
    #expect(latest.phases[4].parameters["theta"] == .real(1.2))
  }
}
