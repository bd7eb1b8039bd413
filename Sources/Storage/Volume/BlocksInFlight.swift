// Blocks that were asked for ahead of their use.
//
//   beginReading ──▶ on their way ──▶ finishReading ──▶ each verified, in the order they were asked for
//
// Invariant: as for blocks that are read at once: no byte is seen before its checksum was verified, and every verification is
// counted.

import Accounting
import Primitives

/// A block that is asked for.
public struct BlockRequest {
  /// Where it is; a whole extent or an aligned part of one.
  public var extent: Extent
  /// Why it is read.
  public var cause: Cause
  /// The level it belongs to.
  public var level: Level

  /// A block that is asked for.
  public init(extent: Extent, cause: Cause, level: Level = .none) {
    self.extent = extent
    self.cause = cause
    self.level = level
  }
}

/// Blocks on their way. Let go unfinished, they are waited for, counted and forgotten.
public final class BlocksInFlight {
  let requests: ContiguousArray<BlockRequest>
  let type: BlockType
  let reads: ReadsInFlight

  init(_ requests: ContiguousArray<BlockRequest>, type: BlockType, _ reads: ReadsInFlight) {
    self.requests = requests
    self.type = type
    self.reads = reads
  }
}

extension BlockGeometry {
  /// A batch that reads some blocks.
  func batch(_ requests: ContiguousArray<BlockRequest>) -> TransferBatch {
    var batch = TransferBatch()
    batch.reserve(requests.count)
    for request in requests {
      _ = units(request.extent)
      batch.append(
        .read, offset: request.extent.offset, memory: .vended, byteCount: request.extent.byteCount,
        cause: request.cause, level: request.level)
    }
    return batch
  }
}

extension Volume {
  /// Asks for several blocks of one type in one batch and does not wait.
  ///
  /// - Throws: `.closed`, `.poisoned`; what goes wrong on the way is thrown by `finishReading`.
  public func beginReading(
    _ requests: ContiguousArray<BlockRequest>, type: BlockType
  ) throws(StorageError) -> BlocksInFlight {
    try check()
    return BlocksInFlight(requests, type: type, channel.begin(geometry.batch(requests)))
  }

  /// Waits for blocks and verifies them; `body` gets each with its index, in the order they were asked for.
  ///
  /// - Throws: as `readBlocks`.
  public func finishReading(
    _ flight: BlocksInFlight, _ body: (Int, VolumeBlock) -> Void
  ) throws(StorageError) {
    try flight.reads.finish()
    try check()
    for (index, request) in flight.requests.enumerated() {
      let block = try geometry.verified(flight.reads.batch, index, request.extent, type: flight.type)
      statistics.verifiedChecksumCount += 1
      body(index, block)
    }
  }
}
