// Goal: a recorded stream gives every engine the run that made it: the same operations, answers, bytes and rows; and a
// study that cannot replay a stream is told why.
// Method: each engine of the catalogue runs the generated and the replayed study, and the files are compared; mistakes
// one by one; a foreign trace imported, run with its answers checked, and held against sums made by hand.

import EngineCatalogue
import Foundation
import KeyValue
import Primitives
import Results
import Testing
import Workload

@testable import Experiment

private let replayed = """
    - { phase: replay, name: load }
    - { phase: settle }
    - { phase: reopen }
    - { phase: replay, name: cold }
    - { phase: drop_cache }
    - { phase: replay, name: scans }
    - { phase: replay, name: mixed }
    - { phase: checkpoint }
  """

/// The deterministic files of an outcome, the run's id aside.
private func text(_ outcome: RunOutcome, _ spec: RunSpec) -> String {
  let tables =
    Table<RunColumns>.text(outcome.runs) + Table<IOColumns>.text(outcome.io)
    + Table<SeriesColumns>.text(outcome.series) + Table<HistogramColumns>.text(outcome.histograms)
  return tables.replacingOccurrences(of: spec.id, with: "ID")
}

@Suite("Replaying streams")
struct ReplayTests {
  /// Records the study of `engine` in `place`.
  private func record(_ place: TemporaryFolder, engine: String = "{ engine: append-log }") throws -> RunSpec {
    let made = try spec(everyPhaseStudy(engine: engine))
    let bytes = try StreamRecording.bytes(of: made)
    try Data(bytes).write(to: URL(fileURLWithPath: place.path + "/s.ops"))
    return made
  }

  @Test(
    "a replayed run is the generated run, file by file", arguments: engineCatalogue.map(\.descriptor.name))
  func sameRun(engine: String) throws {
    let place = try TemporaryFolder()
    let made = try record(place, engine: "{ engine: \"\(engine)\" }")
    let again = try spec(
      everyPhaseStudy(engine: "{ engine: \"\(engine)\" }", phases: replayed, head: "stream: s.ops"),
      file: place.path + "/study.yaml")
    #expect(again.id != made.id)
    let (one, two) = (try execute(made), try execute(again))
    #expect(one.failure == nil && two.failure == nil, "\(two.failure ?? "")")
    #expect(text(one, made) == text(two, again))
    #expect(one.deviceHash == two.deviceHash)
    // Recorded once more from the replay, the file is the same.
    let file = try Data(contentsOf: URL(fileURLWithPath: place.path + "/s.ops"))
    #expect(Data(try StreamRecording.bytes(of: again)) == file)
  }

  @Test("an id knows the stream's content, not its path")
  func identity() throws {
    let place = try TemporaryFolder()
    _ = try record(place)
    let files = FileManager.default
    try files.createDirectory(atPath: place.path + "/below", withIntermediateDirectories: true)
    try files.copyItem(atPath: place.path + "/s.ops", toPath: place.path + "/below/other.ops")
    let study = { (path: String) in
      everyPhaseStudy(engine: "{ engine: append-log }", phases: replayed, head: "stream: \(path)")
    }
    let one = try spec(study("s.ops"), file: place.path + "/study.yaml")
    let two = try spec(study("below/other.ops"), file: place.path + "/study.yaml")
    let three = try spec(study(place.path + "/s.ops"), file: "elsewhere/study.yaml")
    #expect(one.id == two.id && one.id == three.id)
    // Another stream of the same phases is another run.
    let other = try spec(
      everyPhaseStudy(engine: "{ engine: append-log }").replacingOccurrences(
        of: "cold, operations: 120", with: "cold, operations: 119"))
    let bytes = try StreamRecording.bytes(of: other)
    try Data(bytes).write(to: URL(fileURLWithPath: place.path + "/below/other.ops"))
    #expect(try spec(study("below/other.ops"), file: place.path + "/study.yaml").id != one.id)
    // A file that changes after the plan is made voids the run.
    let outcome = try execute(two)
    #expect(outcome.failure?.contains("has changed since the run was planned") == true)
  }

  @Test("mistakes are named with what would help")
  func mistakes() throws {
    let place = try TemporaryFolder()
    _ = try record(place)
    let file = place.path + "/study.yaml"
    func listing(
      _ phases: String = replayed, head: String = "stream: s.ops", changing: (String, String)? = nil
    ) -> String {
      var text = everyPhaseStudy(engine: "{ engine: append-log }", phases: phases, head: head)
      if let changing { text = text.replacingOccurrences(of: changing.0, with: changing.1) }
      do {
        let study = try Study.decode(text, file: file, vocabulary: .standard)
        _ = try Plan(study, vocabulary: .standard)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(listing() == "")
    #expect(listing(head: "").contains("add 'stream: FILE.ops'"))
    #expect(listing(head: "stream: t.ops").contains("which is not there"))
    #expect(listing(head: "stream: [s.ops]").contains("the path of a recorded stream is wanted"))
    #expect(listing(head: "stream: study.yaml").contains("is not there"))
    #expect(listing("  - { phase: load }").contains("no phase replays it"))
    let misspelt = listing("  - { phase: replay, name: lod }")
    #expect(misspelt.contains("nearest: load") && misspelt.contains("allowed: load, cold, scans, mixed"))
    let disordered = listing("  - { phase: replay, name: cold }\n  - { phase: replay, name: load }")
    #expect(disordered.contains("keep the recorded order"))
    #expect(listing(changing: ("seed: 7", "seed: 8")).contains("was recorded under seed 7"))
    #expect(listing(changing: ("seed: 7", "seed: 7\nrepeats: 2")).contains("one repeat"))
    let sizes = listing(changing: ("value_bytes_max: 90", "value_bytes_max: 91"))
    #expect(sizes.contains("workload.value_bytes_max") && sizes.contains("recorded with 90"))
    #expect(listing(changing: ("records: 300", "records: 299")).contains("records is 299"))
    try Data("BETULAOPrubbish".utf8).write(to: URL(fileURLWithPath: place.path + "/s.ops"))
    #expect(listing().contains("corrupted operation stream at offset"))
  }

  @Test("a generated phase may follow what was replayed")
  func goesOn() throws {
    let place = try TemporaryFolder()
    let made = try record(place)
    let phases = "  - { phase: replay, name: load }\n  - { phase: read, operations: 50 }"
    let again = try spec(
      everyPhaseStudy(engine: "{ engine: sorted-file }", phases: phases, head: "stream: s.ops"),
      file: place.path + "/study.yaml")
    let outcome = try execute(again)
    #expect(outcome.failure == nil && made.records == 300)
    #expect(outcome.runs[1].answersChecked == 50 && outcome.runs[1].phaseKind == "read")
    // A section alone runs, on keys that are absent; it cannot be recorded as a stream of its own.
    let alone = try spec(
      everyPhaseStudy(
        engine: "{ engine: sorted-file }", phases: "  - { phase: replay, name: cold }", head: "stream: s.ops"),
      file: place.path + "/study.yaml")
    let misses = try execute(alone)
    #expect(misses.failure == nil && misses.runs[0].returnedBytes == 0)
    #expect(throws: WorkloadError.self) { _ = try StreamRecording.bytes(of: alone) }
  }

  @Test(
    "a foreign trace runs on every engine, its answers checked",
    arguments: engineCatalogue.map(\.descriptor.name))
  func foreign(engine: String) throws {
    let place = try TemporaryFolder()
    let lines = """
      op,key,value_bytes
      # a comment
      put,pear,120
      put,apple,0
      get,pear
      get,absent
      update,apple,33\r
      phase,second
      delete,pear
      read,pear
      scan,apple,10
      put,pear,500
      put,quince,7
      scan,a-key-before-all,2
      """
    let bytes = try StreamImport.bytes(of: Array(lines.utf8), name: "mine.csv")
    let stream = try RecordedStream(bytes: bytes)
    #expect(stream.sections.map(\.name) == ["replay", "second"])
    #expect(stream.keyIndexEnd == 5 && stream.description["workload.records"] == "5")
    var keys: [UInt64] = []
    stream.forEachOperation(of: stream.sections[0]) { keys.append($0.keyIndex) }
    // a-key-before-all, absent, apple, pear, quince
    #expect(keys == [3, 2, 3, 1, 2])
    try Data(bytes).write(to: URL(fileURLWithPath: place.path + "/mine.ops"))
    let study = """
      schema: 1
      study: foreign
      memory_budget: 4MiB
      device: { kind: memory, capacity: 64MiB }
      stream: mine.ops
      workload: { records: 5, key_shape: sequential, key_bytes: 24 }
      commit: { batch_operations: 2 }
      engines:
        - { engine: "\(engine)" }
      phases:
        - { phase: replay }
        - { phase: settle }
        - { phase: replay, name: second }
      """
    let outcome = try execute(try spec(study, file: place.path + "/study.yaml"))
    #expect(outcome.failure == nil)
    let (first, second) = (outcome.runs[0], outcome.runs[2])
    #expect(first.phaseKind == "replay" && first.operations == 5 && second.operations == 6)
    guard engine != "null" else { return }
    #expect(first.logicalWriteBytes == 3 * 24 + 120 + 0 + 33)
    #expect(second.logicalWriteBytes == 3 * 24 + 500 + 7)
    #expect(first.answersChecked == 2 && second.answersChecked == 3)
    // Live: apple 33, pear 500, quince 7.
    #expect(second.liveLogicalBytes == 3 * 24 + 540)
  }

  @Test("what cannot be imported is named by its line")
  func importMistakes() {
    func problems(_ text: String) -> String {
      do {
        _ = try StreamImport.bytes(of: Array(text.utf8), name: "t")
        return ""
      } catch {
        return error.description
      }
    }
    #expect(problems("") == "t: holds no operation")
    #expect(problems("put,a,1\nputt,a,1").contains("t:2: 'putt' is no operation"))
    #expect(problems("putt,a,1").contains("nearest: put"))
    #expect(problems("put,a").contains("the bytes of the value, is ''"))
    #expect(problems("put,a,-1\nscan,a,0\nget").split(separator: "\n").count == 3)
    #expect(problems("phase,A").contains("no name of a phase"))
    #expect(problems("phase,a\nget,k\nphase,a").contains("t:3: the phase 'a' has begun before"))
    #expect(problems(String(repeating: "x\n", count: 50)).split(separator: "\n").count == 20)
  }
}
