// Verified blocks for a thread beside the writer's.
//
// Invariants
// 1. As `Volume.readBlocks`: what enters was verified for the place it came from, and all blocks of a call are one batch.
// 2. What it read stays what it was while the caller's pin lives; without a pin nothing is promised.

import Accounting
import Primitives

/// Reads blocks of a volume. Used by one thread at a time; made by any, while the volume is open.
public final class BlockReader: @unchecked Sendable {
  // Sendable: it moves between threads with its owner, a snapshot.

  private let channel: ReadChannel
  private let pins: PinTable
  private let geometry: BlockGeometry
  private var verifiedChecksumCount: UInt64 = 0

  init(channel: ReadChannel, pins: PinTable, geometry: BlockGeometry) {
    self.channel = channel
    self.pins = pins
    self.geometry = geometry
  }

  deinit { pins.note(verifiedChecksumCount: verifiedChecksumCount) }

  /// Reads several blocks of one type in one batch and verifies them; as `Volume.readBlocks`.
  public func readBlocks(
    _ extents: some Collection<Extent>, type: BlockType, cause: Cause, level: Level = .none,
    _ body: (Int, VolumeBlock) -> Void
  ) throws(StorageError) {
    var batch = geometry.request(extents, cause: cause, level: level)
    try channel.submit(&batch)
    for (request, extent) in extents.enumerated() {
      let block = try geometry.verified(batch, request, extent, type: type)
      verifiedChecksumCount += 1
      body(request, block)
    }
  }

  /// Asks for blocks of one type; as `Volume.beginReading`.
  public func beginReading(_ requests: ContiguousArray<BlockRequest>, type: BlockType) -> BlocksInFlight {
    BlocksInFlight(requests, type: type, channel.begin(geometry.batch(requests)))
  }

  /// Waits for blocks and verifies them; as `Volume.finishReading`.
  public func finishReading(
    _ flight: BlocksInFlight, _ body: (Int, VolumeBlock) -> Void
  ) throws(StorageError) {
    try flight.reads.finish()
    for (index, request) in flight.requests.enumerated() {
      let block = try geometry.verified(flight.reads.batch, index, request.extent, type: flight.type)
      verifiedChecksumCount += 1
      body(index, block)
    }
  }
}

/// What ties a volume's blocks to their places.
struct BlockGeometry: Sendable {
  let volumeID: UInt64
  let transferUnitByteCount: Int
  let unitCount: Int

  /// The units of an extent.
  func units(_ extent: Extent) -> Range<Int> {
    let unit = UInt64(transferUnitByteCount)
    precondition(
      extent.offset % unit == 0 && extent.byteCount > 0 && extent.byteCount % transferUnitByteCount == 0,
      "An extent is a whole number of transfer units: \(extent).")
    let start = Int(extent.offset / unit)
    let count = extent.byteCount / transferUnitByteCount
    precondition(start >= 2 && count <= unitCount - start, "An extent lies inside the volume: \(extent).")
    return start..<(start + count)
  }

  /// A batch that reads some extents.
  func request(_ extents: some Collection<Extent>, cause: Cause, level: Level) -> TransferBatch {
    var batch = TransferBatch()
    for extent in extents {
      _ = units(extent)
      batch.append(
        .read, offset: extent.offset, memory: .vended, byteCount: extent.byteCount, cause: cause, level: level
      )
    }
    return batch
  }

  /// One block of a batch that was performed, checked.
  func verified(
    _ batch: borrowing TransferBatch, _ request: Int, _ extent: Extent, type: BlockType
  ) throws(StorageError) -> VolumeBlock {
    let (frame, offset) = batch.frame(ofRequest: request)
    let bytes = UnsafeRawBufferPointer(start: frame.pointer + offset, count: extent.byteCount)
    let header = try BlockHeader.verify(bytes, volumeID: volumeID, offset: extent.offset, type: type)
    frame.markRead()
    return VolumeBlock(
      frame: frame, frameOffset: offset, byteCount: extent.byteCount, type: type, level: header.level,
      payloadByteCount: header.payloadByteCount, birth: header.birth)
  }
}

extension Volume {
  /// What ties this volume's blocks to their places.
  var geometry: BlockGeometry {
    BlockGeometry(volumeID: volumeID, transferUnitByteCount: transferUnitByteCount, unitCount: unitCount)
  }

  /// A reader for another thread. Any thread may ask, while the volume is open.
  public func makeReader() -> BlockReader {
    BlockReader(channel: channel.makeReader(), pins: pins, geometry: geometry)
  }
}
