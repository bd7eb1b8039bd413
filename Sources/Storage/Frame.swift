// Frames: aligned memory that the cache, the engine and the memory device share by reference.

/// Placeholder until the pool lands.
public final class Frame {
  public let pointer: UnsafeMutableRawPointer
  public let byteCount: Int
  public init(byteCount: Int) {
    self.byteCount = byteCount
    pointer = .allocate(byteCount: byteCount, alignment: 4096)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }
  deinit { pointer.deallocate() }
}
extension TransferBatch {
  mutating func seal(coalesces: Bool, maximumTransferByteCount: Int) {}
}
