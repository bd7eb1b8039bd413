// Goal: what a trace is said to have cost is what the run cost, phase by phase, under any model, and no bytes make the
// audit trap. The head, lanes and streams of one phase reach into the next, so phases are cut out of one pass.
// Method: random runs with marks over live stacks, each under its own model, held against one trace of the same calls;
// a trace with one transfer taken out as the canary; damaged payloads behind valid checksums.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct TraceAuditTests {
  /// Models whose blocks are smaller than, equal to and no multiple of the transfer unit.
  static let models: [TimeModel] = {
    var models: [TimeModel] = []
    for profile in [DeviceProfile.ssdVirtual, DeviceProfile.all[1], DeviceProfile.all[6]] {
      models.append(TimeModel(profile: profile))
    }
    for (block, parallel) in [(512, 1), (3_000, 2), (4_096, 7), (65_536, 64), (1 << 20, 1_024)] {
      models.append(
        TimeModel(
          blockByteCount: block, parallelBlockCount: parallel, readSetupSeconds: 0.005,
          readSecondsPerByte: 1e-8, writeSetupSeconds: 0.0021, writeSecondsPerByte: 3e-9))
    }
    return models
  }()

  /// One live run of random batches in phases; what the ledger and the clock say of each phase and of the gaps.
  struct Live {
    var phases: [(name: String, ledger: IOLedger, charge: TimeCharge)] = []
    var whole: (ledger: IOLedger, charge: TimeCharge)
    var trace: [UInt8]
  }

  static func run(seed: UInt64, model: TimeModel, without omitted: Int? = nil) throws -> Live {
    var random = TestRandom(seed: seed)
    var description = DeviceDescription()
    description.capacityByteCount = 1 << 26
    description.timeModel = model
    description.trace = .memory
    description.traceDescription["run"] = "r\(seed)"
    let stack = try DeviceStack(description)
    let channel = stack.makeChannel()
    var number = 0
    func work(_ count: Int) throws {
      var batch = TransferBatch()
      for _ in 0..<count {
        if random.below(9) == 0 { try channel.control(.sync(cause: .log)) }
        batch.removeAll()
        var place = random.below(5_000)
        for _ in 0..<[1, 1, 2, 3, 9, 50][random.below(6)] {
          let units = random.below(6) + 1
          let reads = random.below(3) == 0
          let frame = stack.pool.frame(byteCount: units * 4_096, zeroed: true)
          let cause = [Cause.leaf, .interior, .log][random.below(3)]
          let level = Level.number(random.below(3))
          if number != omitted {
            batch.append(
              reads ? .read : .write, offset: UInt64(place * 4_096),
              memory: reads ? .vended : .frame(frame, offset: 0), byteCount: units * 4_096,
              cause: cause, level: level)
          }
          number += 1
          place += units + random.below(2) * random.below(40)
        }
        try channel.submit(&batch)
      }
    }
    var live = Live(whole: (IOLedger(), TimeCharge()), trace: [])
    let writer = try #require(stack.tracing?.writer)
    let timed = try #require(stack.timed)
    try work(5)
    for name in ["load", "settle", "read"] {
      let (ledger, charge) = (channel.ledger, timed.charge)
      writer.mark(.phaseBegins(name))
      try work(60)
      if name == "load" {
        writer.mark(.acknowledged)
        try work(10)
      }
      writer.mark(.phaseEnds)
      live.phases.append((name, channel.ledger.subtracting(ledger), timed.charge.subtracting(charge)))
      try work(3)
    }
    try stack.finish()
    live.whole = (channel.ledger, timed.charge)
    live.trace = writer.bytes
    return live
  }

  @Test(arguments: UInt64(1)...6) func oneTraceCostsWhatEachLiveRunCost(seed: UInt64) throws {
    let trace = try Self.run(seed: seed, model: Self.models[0]).trace
    var reader = try TraceReader(bytes: trace)
    #expect(reader.description["run"] == "r\(seed)")
    let audit = try TraceAudit(&reader, models: Self.models)
    for (index, model) in Self.models.enumerated() {
      let live = try Self.run(seed: seed, model: model)
      #expect(live.trace == trace, "a trace has no clock in it")
      #expect(audit.phases.map(\.phase) == live.phases.map(\.name))
      for (stretch, phase) in zip(audit.phases, live.phases) {
        #expect(stretch.charges[index] == phase.charge, "\(phase.name), model \(index)")
        #expect(stretch.ledger == phase.ledger, "\(phase.name)")
      }
      #expect(audit.whole.charges[index] == live.whole.charge)
      #expect(audit.whole.ledger == live.whole.ledger)
    }
    // Every sum agrees with its parts.
    var sum = try #require(audit.outside).ledger
    for stretch in audit.phases { sum.merge(stretch.ledger) }
    #expect(sum == audit.whole.ledger)
    let batches = audit.phases.reduce(audit.outside?.batches.batchCount ?? 0) { $0 + $1.batches.batchCount }
    #expect(batches == audit.whole.batches.batchCount)
    #expect(audit.whole.batches.buckets.reduce(0, +) == audit.whole.batches.batchCount)
  }

  /// The canary: were the comparison above blind, it would be blind here too.
  @Test(arguments: [0, 17, 200]) func aTraceWithoutOneTransferCostsLess(omitted: Int) throws {
    let model = Self.models[3]
    let live = try Self.run(seed: 9, model: model)
    let less = try Self.run(seed: 9, model: model, without: omitted)
    var reader = try TraceReader(bytes: less.trace)
    let audit = try TraceAudit(&reader, models: [model])
    #expect(audit.whole.charges[0] != live.whole.charge)
    #expect(audit.whole.ledger != live.whole.ledger)
    #expect(audit.whole.charges[0].affineSeconds < live.whole.charge.affineSeconds)
  }

  @Test func aPausedWriterRecordsNothing() throws {
    let writer = try TraceWriter(destination: .memory, transferUnitByteCount: 512, capacityByteCount: 1 << 20)
    writer.isPaused = true
    writer.mark(.phaseBegins("unseen"))
    writer.record(.sync(cause: .log))
    writer.isPaused = false
    writer.mark(.phaseBegins("seen"))
    try writer.finish()
    var reader = try TraceReader(bytes: writer.bytes)
    #expect(try reader.next() == .mark(.phaseBegins("seen")))
    #expect(try reader.next() == nil)
  }

  @Test func aDescriptionIsReadBackAndItsDamageIsFound() throws {
    var text = LabelledText()
    text["run"] = "0123456789ab"
    text["engine"] = "sqlite-wal"
    text["axes"] = "a line\nend becomes a space"
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: 512, capacityByteCount: 1 << 20, description: text)
    writer.record(.sync(cause: .log))
    try writer.finish()
    let reader = try TraceReader(bytes: writer.bytes)
    #expect(reader.description == text)
    #expect(reader.description["axes"] == "a line end becomes a space")
    #expect(reader.byteCount == UInt64(writer.bytes.count))
    for bit in 0..<(8 * (32 + text.bytes.count)) {
      var damaged = writer.bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(try TraceTests.readAll(damaged) == nil, "bit \(bit)")
    }
    for bytes in ["run", "run:x\n", "Run: x\n", "run: x", "run: x\nrun: y\n", ": x\n", "run: x\r\n"] {
      #expect(LabelledText(bytes: Array(bytes.utf8)) == nil, "\(bytes)")
    }
  }

  /// Counts that no trace can have: their sum is refused before a ledger would overflow.
  @Test func countsBeyond64BitsAreCorruption() throws {
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: 512, capacityByteCount: 1 << 20)
    var batch = TransferBatch()
    for _ in 0..<3 {
      batch.removeAll()
      batch.append(
        .read, offset: 0, memory: .vended, byteCount: 512,
        pieces: [
          Piece(cause: .leaf, requestedOperationCount: 1, requestedByteCount: .max, transferredByteCount: 512)
        ])
      batch.seal(coalesces: false, maximumTransferByteCount: 512)
      writer.record(batch)
    }
    try writer.finish()
    #expect(try TraceTests.readAll(writer.bytes) == nil)
  }
}
