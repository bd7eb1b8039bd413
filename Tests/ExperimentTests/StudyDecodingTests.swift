// Goal: a good study decodes completely, and comes back from its own text.
// Method: a study that uses every part of the grammar; decode(render(study)) = study, for it and for studies with
// overrides.

import Experiment
import KeyValue
import Testing

@Suite("Study: decoding")
struct StudyDecodingTests {
  @Test("every part of the grammar is read")
  func everything() throws {
    let study = try Toy.decode(Toy.study)
    #expect(study.name == "everything")
    #expect(study.title == "Everything: once")
    #expect(study.question == "Does the grammar hold what it promises?\n")
    #expect(study.seed == 7)
    #expect(study.memoryBudget == .dataFraction(divisor: 8))
    #expect(study.device.capacityByteCount == 1 << 30)
    #expect(study.device.profile == "slow")
    #expect(study.workload.integer("records") == 1_000_000)
    #expect(study.engines.map(\.label) == ["tree-wal", "tree-off", "null"])
    #expect(study.engines[0].parameters.integer("page_bytes") == 8192)
    #expect(study.engines[1].parameters["fill"] == .real(1))
    #expect(study.engines[1].parameters["mode"] == .text("off"))
    #expect(study.engines[1].records == 10_000)
    #expect(study.phases.map(\.name) == ["load", "settle", "cold", "settle_2", "hot", "ranges", "mixed"])
    #expect(study.axes.map(\.target) == [.engineParameter([0, 1], "page_bytes"), .workload("value_bytes")])
    #expect(study.figures[1].phases == ["cold", "hot"])
    #expect(Study.scaleNames(in: Toy.study) == ["smoke", "paper", "narrow"])
  }

  @Test("defaults are filled in, and only what a phase uses is kept")
  func completeness() throws {
    let study = try Toy.decode(Toy.study)
    #expect(study.phases[2].parameters.sorted.map(\.name) == ["distribution", "operation", "operations"])
    #expect(study.phases[4].parameters["theta"] == .real(1.2))
    #expect(study.phases[5].parameters["scan_entries"] == .integer(10))
    #expect(study.phases[6].parameters["mix.put"] == .real(50))
    #expect(study.phases[6].parameters["mix.scan"] == .real(0))
    #expect(study.phases[6].parameters["scan_entries"] == nil)
  }

  @Test("decode(render(study)) = study, in YAML and in JSON")
  func roundTrip() throws {
    let requests: [(String, String?, [String])] = [
      (Toy.study, nil, []), (Toy.study, "smoke", []), (Toy.study, "narrow", []), (Toy.small, nil, []),
      (Toy.small, nil, ["device.kind=file", "device.io=buffered", "device.path=/tmp/some where: # odd"]),
      (Toy.small, nil, ["title=true", "question=\u{1F333} \\ tab\there", "memory_budget=data/4,1MiB"]),
      (Toy.small, nil, ["engines.tree.fill=0.1,0.30000000000000004,1", "phases.read.distribution=latest"]),
    ]
    for (text, scale, sets) in requests {
      let study = try Toy.decode(text, scale: scale, sets: sets)
      #expect(try Toy.decode(study.yaml) == study)
      #expect(try Toy.decode(study.json) == study)
      #expect(try Toy.decode(study.yaml).yaml == study.yaml)
    }
  }

  /// Overrides that go together in any number and order, on `Toy.study`.
  private static let overrides: [String] = [
    "seed=12345", "repeats=3", "memory_budget=1MiB", "memory_budget=data/3,2MiB", "device.transfer_unit=512",
    "device.capacity=2GiB", "device.coalesce=false", "device.kind=file", "device.profile=plain",
    "workload.records=12_345", "workload.key_bytes=8,24", "workload.key_shape=sequential",
    "workload.value_bytes=0",
    "commit.batch_operations=7", "commit.sync_every_commits=0,1,10", "engines.tree.fill=0.123456789012345",
    "engines.tree-wal.mode=off", "engines.tree-off.checks=false", "engines.null.lanes=1,2,3",
    "engines.null.records=5",
    "engines.tree-off.maximum_operations=10", "phases.load.order=sequential",
    "phases.cold.distribution=latest",
    "phases.cold.operation=scan", "phases.hot.theta=0,0.5,1.5", "phases.mixed.mix.scan=0.25",
    "title=- # : { [ ' \"",
    "question=off", "engines=tree-wal,null", "engines=tree",
  ]

  @Test("random studies come back from their own text, and plan the same runs", arguments: 0..<100)
  func randomRoundTrip(seed: Int) throws {
    var state = RunSpec.seed(studySeed: seed, repeatIndex: 0)
    var sets: [String] = []
    for draw in 1...(1 + seed % 12) {
      state = RunSpec.seed(studySeed: Int(state), repeatIndex: draw)
      sets.append(Self.overrides[Int(state % UInt64(Self.overrides.count))])
    }
    let study = try Toy.decode(Toy.study, sets: sets)
    let again = try Toy.decode(study.yaml)
    #expect(again == study, "seed \(seed), sets \(sets)")
    #expect(again.yaml == study.yaml)
    let ids = try Plan(study, vocabulary: Toy.vocabulary).runs.map(\.id)
    #expect(try Plan(again, vocabulary: Toy.vocabulary).runs.map(\.id) == ids)
    #expect(Set(ids).count == ids.count)
  }

  @Test("a damaged study is answered, never trapped on", arguments: 0..<20)
  func damage(seed: Int) {
    var state = RunSpec.seed(studySeed: seed, repeatIndex: 1)
    let pieces = Array("{}[]:,-#&*!|>'\"%@` \n\t~0x.é\u{1F333}\u{0}").map(String.init)
    for round in 0..<100 {
      var characters = Array(Toy.study)
      for change in 0..<(1 + round % 4) {
        state = RunSpec.seed(studySeed: Int(state), repeatIndex: change)
        let at = Int(state % UInt64(characters.count))
        let piece = Array(pieces[Int((state >> 20) % UInt64(pieces.count))])
        switch (state >> 40) % 3 {
        case 0: characters.remove(at: at)
        case 1: characters.insert(contentsOf: piece, at: at)
        default: characters.replaceSubrange(at...at, with: piece)
        }
      }
      let text = String(characters)
      do {
        let study = try Study.decode(text, file: "s.yaml", vocabulary: Toy.vocabulary)
        #expect(!study.engines.isEmpty)
      } catch {
        #expect(!error.problems.isEmpty)
        #expect(error.problems.allSatisfy { $0.place.line >= 1 && !$0.message.isEmpty }, "seed \(seed)")
      }
    }
  }

  @Test("a folder is accepted wherever a study file is")
  func folder() {
    #expect(Study.studyFile(at: "/tmp") == "/tmp/study.yaml")
    #expect(Study.studyFile(at: "/tmp/") == "/tmp/study.yaml")
    #expect(Study.studyFile(at: "/no/such/study.yaml") == "/no/such/study.yaml")
    #expect(throws: StudyProblems.self) {
      try Study.load(StudyRequest(path: "/no/such"), vocabulary: Toy.vocabulary)
    }
  }
}
