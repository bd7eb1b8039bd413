// Goal: sealing a batch never loses, moves or invents a byte, and merges all that may merge.
// Method: scripted cases, then random batches held against a byte-by-byte model (which request, and which piece,
// every byte of the device belongs to).

import Accounting
import Primitives
import Testing

@testable import Storage

/// A small reproducible generator for tests (SplitMix64).
struct TestRandom {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return ContentHash.mix(state)
  }
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

@Suite struct TransferBatchTests {
  @Test func oneTransferStaysAsItIs() {
    var batch = TransferBatch()
    batch.append(
      .write, offset: 4_096, memory: .frame(Frame(byteCount: 4_096), offset: 0), byteCount: 4_096,
      cause: .leaf, level: .number(0))
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    #expect(batch.transfers.count == 1)
    #expect(batch.segments.count == 1)
    #expect(batch.frame(ofRequest: 0).offset == 0)
    batch.removeAll()
    #expect(batch.isEmpty)
    #expect(!batch.isSealed)
  }

  @Test func neighboursMergeAndKeepTheirCauses() {
    let frames = (0..<4).map { _ in Frame(byteCount: 4_096) }
    var batch = TransferBatch()
    batch.append(.write, offset: 8_192, memory: .frame(frames[0], offset: 0), byteCount: 4_096, cause: .leaf)
    batch.append(.write, offset: 4_096, memory: .frame(frames[1], offset: 0), byteCount: 4_096, cause: .leaf)
    batch.append(.write, offset: 12_288, memory: .frame(frames[2], offset: 0), byteCount: 4_096, cause: .log)
    batch.append(.read, offset: 16_384, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.append(.write, offset: 65_536, memory: .frame(frames[3], offset: 0), byteCount: 4_096, cause: .log)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    #expect(batch.transfers.map(\.direction) == [.read, .write, .write])
    #expect(batch.transfers.map(\.offset) == [16_384, 4_096, 65_536])
    #expect(batch.transfers.map(\.byteCount) == [4_096, 12_288, 4_096])
    let merged = batch.transfers[1]
    #expect(merged.segments.count == 3)
    #expect(batch.pieces[merged.pieces].map(\.cause) == [.leaf, .log])
    #expect(batch.pieces[merged.pieces].map(\.requestedOperationCount) == [2, 1])
    #expect(batch.pieces[merged.pieces].map(\.transferredByteCount) == [8_192, 4_096])
    for (request, frame) in [(0, frames[0]), (1, frames[1]), (2, frames[2]), (4, frames[3])] {
      #expect(batch.frame(ofRequest: request).frame === frame)
    }
  }

  @Test func mergingStopsAtTheByteBoundAndAtTheSegmentBound() {
    var batch = TransferBatch()
    for index in 0..<8 {
      batch.append(.read, offset: UInt64(index) * 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    }
    batch.seal(coalesces: true, maximumTransferByteCount: 12_288)
    #expect(batch.transfers.map(\.byteCount) == [12_288, 12_288, 8_192])
    batch.removeAll()
    for index in 0..<1_000 {
      batch.append(.read, offset: UInt64(index) * 512, memory: .vended, byteCount: 512, cause: .leaf)
    }
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 30)
    #expect(batch.transfers.map(\.segments.count) == [512, 488])
    batch.removeAll()
    batch.append(.read, offset: 0, memory: .vended, byteCount: 65_536, cause: .leaf)
    batch.append(.read, offset: 65_536, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 4_096)
    #expect(batch.transfers.map(\.byteCount) == [65_536, 4_096])
  }

  @Test func withoutCoalescingTransfersAreOnlySorted() {
    var batch = TransferBatch()
    batch.append(.read, offset: 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.append(.read, offset: 0, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.seal(coalesces: false, maximumTransferByteCount: 1 << 20)
    #expect(batch.transfers.map(\.offset) == [0, 4_096])
  }

  @Test func overlappingReadsStayApart() {
    var batch = TransferBatch()
    batch.append(.read, offset: 0, memory: .vended, byteCount: 8_192, cause: .leaf)
    batch.append(.read, offset: 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.append(.read, offset: 0, memory: .vended, byteCount: 8_192, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    #expect(batch.transfers.count == 3)
  }

  @Test func overlappingWritesStopTheProgram() async {
    await #expect(processExitsWith: .failure) {
      var batch = TransferBatch()
      batch.append(
        .write, offset: 4_096, memory: .frame(Frame(byteCount: 4_096), offset: 0), byteCount: 4_096,
        cause: .leaf)
      batch.append(
        .write, offset: 0, memory: .frame(Frame(byteCount: 8_192), offset: 0), byteCount: 8_192, cause: .leaf)
      batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    }
    await #expect(processExitsWith: .failure) {
      var batch = TransferBatch()
      batch.append(
        .write, offset: 4_096, memory: .frame(Frame(byteCount: 4_096), offset: 0), byteCount: 4_096,
        cause: .leaf)
      batch.append(.read, offset: 0, memory: .vended, byteCount: 8_192, cause: .leaf)
      batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    }
  }

  /// Every byte of every request is found once, in the request's own memory, under the request's cause.
  @Test(arguments: UInt64(1)...40) func randomBatchesKeepEveryByte(seed: UInt64) {
    var random = TestRandom(seed: seed)
    let causes: [Cause] = [.leaf, .interior, .log]
    var batch = TransferBatch()
    for _ in 0..<25 {
      batch.removeAll()
      let coalesces = random.below(4) > 0
      let maximum = [4_096, 16_384, 1 << 20][random.below(3)]
      var occupied = [Bool](repeating: false, count: 64)
      var requests: [(direction: Direction, unit: Int, count: Int, frame: Frame, causes: [Cause])] = []
      for _ in 0..<random.below(20) + 1 {
        let count = random.below(3) + 1
        let unit = random.below(64 - count)
        if occupied[unit..<(unit + count)].contains(true) { continue }
        for index in unit..<(unit + count) { occupied[index] = true }
        let direction: Direction = random.below(3) == 0 ? .read : .write
        let frame = Frame(byteCount: count * 512)
        let pieceCauses = (0..<count).map { _ in causes[random.below(3)] }
        batch.append(
          direction, offset: UInt64(unit * 512), memory: .frame(frame, offset: 0), byteCount: count * 512,
          pieces: pieceCauses.map {
            Piece(cause: $0, requestedOperationCount: 1, requestedByteCount: 500, transferredByteCount: 512)
          })
        requests.append((direction, unit, count, frame, pieceCauses))
      }
      batch.seal(coalesces: coalesces, maximumTransferByteCount: maximum)
      batch.seal(coalesces: coalesces, maximumTransferByteCount: maximum)

      var seen = 0
      for (index, transfer) in batch.transfers.enumerated() {
        #expect(batch.segments[transfer.segments].reduce(0) { $0 + $1.byteCount } == transfer.byteCount)
        #expect(
          batch.pieces[transfer.pieces].reduce(0) { $0 + $1.transferredByteCount } == transfer.byteCount)
        if index > 0 {
          let previous = batch.transfers[index - 1]
          let touches = previous.direction == transfer.direction && previous.end == transfer.offset
          if coalesces && touches { #expect(previous.byteCount + transfer.byteCount > maximum) }
          #expect(
            previous.direction.rawValue < transfer.direction.rawValue || previous.offset < transfer.offset)
        }
        var unit = Int(transfer.offset) / 512
        for segment in batch.segments[transfer.segments] {
          let request = requests.first { $0.unit == unit && $0.direction == transfer.direction }
          guard case .frame(let frame, 0) = segment.memory else { Issue.record("not a frame"); return }
          #expect(request?.frame === frame)
          unit += segment.byteCount / 512
          seen += segment.byteCount
        }
        var pieceUnit = Int(transfer.offset) / 512
        for piece in batch.pieces[transfer.pieces] {
          for _ in 0..<piece.transferredByteCount / 512 {
            let request = requests.first { $0.unit <= pieceUnit && pieceUnit < $0.unit + $0.count }
            #expect(request?.causes[pieceUnit - (request?.unit ?? 0)] == piece.cause)
            pieceUnit += 1
          }
          #expect(piece.requestedByteCount == piece.transferredByteCount / 512 * 500)
        }
      }
      #expect(seen == requests.reduce(0) { $0 + $1.count * 512 })
      for (index, request) in requests.enumerated() {
        #expect(batch.frame(ofRequest: index).frame === request.frame)
      }
    }
  }
}
