// Goal: what was acknowledged in some memory is replayed in the same, also where the log's records are long beside it.
// Method: power cuts over stories of large batches, whose records fill a part of the log's 64 KiB, in the least memories that
// take them; seed 6.

import EngineCatalogue
import KeyValue
import Primitives
import Testing
import Trials

@Suite struct LongRecordTests {
  @Test(arguments: [512, 768, 1_024, 2_048], [4, 16])
  func longRecordsAreReplayedInLittleMemory(memoryKiB: Int, nodeKiB: Int) {
    let setting = Setting(
      description: "\(memoryKiB) KiB of memory, nodes of \(nodeKiB) KiB",
      changes: [
        "node_bytes": .integer(nodeKiB << 10), "basement_bytes": .integer(4_096), "fanout": .integer(4),
        "log_segment_bytes": .integer(65_536),
      ], memoryByteCount: memoryKiB << 10)
    var subject = CrashSafetyTests.subject(setting, seed: 6, atom: 4_096)
    subject.capacityByteCount = 64 << 20
    var items: [TrialItem] = []
    for batch in 0..<4 {
      for number in 0..<(batch == 1 ? 20 : 150) {
        let place = key(Int(draw(6, batch * 1_000 + number) % 100_000))
        let value = [UInt8](repeating: UInt8(batch), count: 400 + number % 300)
        items.append(.write(TrialOperation(.put, key: place, operand: value)))
      }
      items.append(.commit)
    }
    var options = CrashOptions()
    options.exhaustiveBudget = 10
    options.seededSubsetCount = 1
    options.livesOnEvery = 40
    let outcome = CrashSweep(
      subject, script: TrialScript(items, syncEveryCommits: 1), options: options
    ).run()
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.prefixCount > 3)
  }
}
