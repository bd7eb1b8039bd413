// Goal: a recorded stream is the stream, in few bytes, and no bytes make its reader trap.
// Method: the worked example byte for byte; streams of every kind of operation and distribution recorded and replayed;
// every cut and flipped bit of a small one, random payloads behind right checksums.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct RecordedStreamTests {
  /// Three phases of a run, recorded, with the operations they had.
  static func record(
    seed: UInt64, sizes: ValueSizes = .fixed(100), records: UInt64 = 300, operations: UInt64 = 700,
    distribution: String = "uniform"
  ) throws -> (bytes: [UInt8], operations: [[Operation]], hashes: [StreamHash], workload: WorkloadSpec) {
    let workload = try makeWorkload(records: records, sizes: sizes, seed: seed)
    var text = LabelledText()
    text["seed"] = String(seed)
    var recorder = StreamRecorder(description: text)
    var position = StreamPosition()
    var all: [[Operation]] = []
    var hashes: [StreamHash] = []
    let phases = [
      DataPhase(kind: "load", content: .load(random: seed % 2 == 0), operationCount: records),
      everythingPhase(operations, distribution: distribution),
      DataPhase(
        kind: "read", content: .operations([.init(.getHit)]), operationCount: 50, scanOrder: .reverse),
    ]
    for (ordinal, phase) in phases.enumerated() {
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: ordinal, workload: workload, position: position)
      recorder.beginSection(
        name: "phase\(ordinal)", kind: phase.kind, scanOrder: phase.scanOrder, position: position)
      let made = collect(&stream)
      for operation in made { recorder.append(operation) }
      recorder.endSection()
      all.append(made)
      hashes.append(stream.hash)
      position = stream.position
    }
    return (recorder.finish(), all, hashes, workload)
  }

  @Test func theWorkedExampleOfTheFormat() throws {
    var recorder = StreamRecorder(description: LabelledText())
    recorder.beginSection(name: "a", kind: "load", scanOrder: .forward, position: StreamPosition())
    recorder.append(Operation(kind: .put, keyIndex: 0, version: 1, length: 100))
    recorder.append(Operation(kind: .put, keyIndex: 1, version: 2, length: 100))
    recorder.append(Operation(kind: .getHit, keyIndex: 1))
    recorder.endSection()
    let bytes = recorder.finish()
    #expect(Array(bytes[0..<16]) == Array("BETULAOP".utf8) + [1, 0, 0, 0, 0, 0, 0, 0])
    let begin: [UInt8] = [11, 1, 0x61, 4] + Array("load".utf8) + [0, 0, 1]
    #expect(Array(bytes[36..<(36 + begin.count + 4)]) == begin + [0x21, 0x64, 0x61, 0x33])
    let stream = try RecordedStream(bytes: bytes)
    #expect(stream.operationCount == 3 && stream.keyIndexEnd == 2)
    #expect(stream.sections[0].end == StreamPosition(nextKeyIndex: 2, nextVersion: 4))
  }

  @Test(arguments: UInt64(1)...8) func aReplayIsTheStream(seed: UInt64) throws {
    let distribution = distributionCatalogue[Int(seed) % distributionCatalogue.count].name
    let sizes: ValueSizes = seed % 3 == 0 ? .uniform(0...500) : .fixed(100)
    let (bytes, operations, hashes, workload) = try Self.record(
      seed: seed, sizes: sizes, operations: 5_000, distribution: distribution)
    let recorded = try RecordedStream(bytes: bytes)
    #expect(recorded.description["seed"] == String(seed))
    #expect(recorded.sections.map(\.name) == ["phase0", "phase1", "phase2"])
    #expect(recorded.sections.map(\.kind) == ["load", "mixed", "read"])
    #expect(recorded.sections.map(\.hash) == hashes)
    #expect(recorded.sections[2].scanOrder == .reverse)
    var position = StreamPosition()
    for (index, section) in recorded.sections.enumerated() {
      var stream = try OperationStream(
        replaying: section, of: recorded, workload: workload, position: position)
      #expect(collect(&stream) == operations[index])
      #expect(stream.hash == hashes[index])
      position = stream.position
      #expect(position == section.end)
      for kind in StreamOperation.allCases {
        #expect(Int(section.count(of: kind)) == operations[index].count { $0.kind == kind })
      }
    }
    // Replaying an earlier section again would use versions twice.
    #expect(throws: WorkloadError.self) {
      _ = try OperationStream(
        replaying: recorded.sections[1], of: recorded, workload: workload, position: position)
    }
    // The same run again gives the same file; another does not.
    let again = try Self.record(seed: seed, sizes: sizes, operations: 5_000, distribution: distribution)
    #expect(again.bytes == bytes)
  }

  @Test func anOperationTakesFewBytes() throws {
    let (random, operations, _, _) = try Self.record(seed: 2, records: 100_000, operations: 100_000)
    let count = operations.reduce(0) { $0 + $1.count }
    #expect(Double(random.count) / Double(count) < 5.5)
    let (sequential, _, _, _) = try Self.record(seed: 1, records: 100_000, operations: 0)
    #expect(Double(sequential.count) / 100_000 < 1.1)
  }

  @Test func recordedLengthsAreTheStreams() throws {
    let (bytes, operations, _, _) = try Self.record(seed: 3, sizes: .uniform(0...500))
    let lengths = RecordedLengths(of: try RecordedStream(bytes: bytes))
    let codec = ValueCodec(sizes: .recorded(lengths), seed: 77)
    for operation in operations.joined() where operation.kind == .put || operation.kind == .overwrite {
      #expect(
        codec.byteCount(keyIndex: operation.keyIndex, version: operation.version) == Int(operation.length))
    }
    #expect(lengths[1_000_000] == 0)
    #expect(codec.sizes.maximumByteCount <= 500 && codec.sizes.meanByteCount > 200)
  }

  /// Whether the bytes are a stream; the only acceptable failure is `.corrupted`.
  private func isStream(_ bytes: [UInt8]) throws -> Bool {
    do throws(StorageError) {
      let stream = try RecordedStream(bytes: bytes)
      for section in stream.sections { stream.forEachOperation(of: section) { _ in } }
      return true
    } catch {
      guard case .corrupted(_, let offset, _) = error else { throw error }
      #expect(offset <= UInt64(bytes.count))
      return false
    }
  }

  @Test func everyCutAndEveryFlippedBitIsFound() throws {
    let bytes = try Self.record(seed: 4, records: 20, operations: 60).bytes
    #expect(try isStream(bytes))
    for length in 0..<bytes.count { #expect(try !isStream(Array(bytes[0..<length]))) }
    #expect(try !isStream(bytes + [0]))
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(try !isStream(damaged), "bit \(bit)")
    }
  }

  /// Random and mutated payloads behind right checksums: the decoder alone stands between them and a trap.
  @Test(arguments: UInt64(1)...10) func noPayloadTraps(seed: UInt64) throws {
    var random = CounterRandomSequence(seed: seed)
    let bytes = try Self.record(seed: seed, records: 20, operations: 60).bytes
    let text = Int(bytes[12])
    let start = RecordedStreamFormat.headerByteCount + text
    let header = Array(bytes[0..<start])
    let original = Array(bytes[(start + 16)...])
    for round in 0..<400 {
      var payload = original
      if round % 4 == 0 {
        payload = (0..<random.below(200) + 1).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      } else {
        for _ in 0..<random.below(4) + 1 {
          payload[random.below(payload.count)] =
            [0xFF, 0x80, 0, UInt8(truncatingIfNeeded: random.next())][random.below(4)]
        }
      }
      var block: [UInt8] = []
      let eventCount = round % 2 == 0 ? Int(bytes[start + 4]) : random.below(payload.count) + 1
      for value in [UInt32(payload.count), UInt32(eventCount), 0] {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
          block.append(UInt8(truncatingIfNeeded: value >> shift))
        }
      }
      let seedChecksum = block.withUnsafeBytes { CRC32C.of($0) }
      let checksum = payload.withUnsafeBytes { CRC32C.of($0, seed: seedChecksum) }
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        block.append(UInt8(truncatingIfNeeded: checksum >> shift))
      }
      _ = try isStream(header + block + payload)
    }
  }
}

/// Small random numbers from the project's own generator.
private struct CounterRandomSequence {
  private let random: CounterRandom
  private var position: UInt64 = 0

  init(seed: UInt64) { random = CounterRandom(seed: seed, stream: 99) }

  mutating func next() -> UInt64 {
    position += 1
    return random.draw(position)
  }

  mutating func below(_ limit: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(limit)).high)
  }
}
