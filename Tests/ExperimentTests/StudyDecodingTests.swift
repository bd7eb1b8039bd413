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

  @Test("a folder is accepted wherever a study file is")
  func folder() {
    #expect(Study.studyFile(at: "/tmp") == "/tmp/study.yaml")
    #expect(Study.studyFile(at: "/tmp/") == "/tmp/study.yaml")
    #expect(Study.studyFile(at: "/no/such/study.yaml") == "/no/such/study.yaml")
    #expect(throws: StudyProblems.self) {
      try Study.load(StudyRequest(path: "/no/such"), vocabulary: Toy.vocabulary)
    }
  }

  @Test("SHA-256 answers the published examples")
  func sha256() {
    // Source: FIPS 180-4 examples, NIST CSRC.
    #expect(
      SHA256.hexadecimal(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hexadecimal(of: "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(SHA256.hexadecimal(of: two) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    let million = String(repeating: "a", count: 1_000_000)
    #expect(
      SHA256.hexadecimal(of: million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
