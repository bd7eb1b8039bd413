// Little-endian numbers at offsets, bounds-checked, so that bytes from a device can be decoded without a trap.

/// A fixed-size image being written.
struct ImageWriter {
  let bytes: UnsafeMutableRawBufferPointer

  /// The image in `bytes`, which outlives the writer.
  init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

  func store(_ value: some FixedWidthInteger, at offset: Int) {
    precondition(offset >= 0 && offset + value.bitWidth / 8 <= bytes.count, "A field lies within its image.")
    bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
  }

  func store(_ values: some Collection<UInt8>, at offset: Int) {
    precondition(offset >= 0 && offset + values.count <= bytes.count, "A field lies within its image.")
    var position = offset
    for value in values {
      bytes[position] = value
      position += 1
    }
  }
}

/// A fixed-size image being read. Reading outside it gives zero: callers check counts against the image before
/// they believe them, and a wrong count can never read foreign memory.
struct ImageReader {
  let bytes: UnsafeRawBufferPointer

  /// The image in `bytes`, which outlives the reader.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func load<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
    let byteCount = Number.bitWidth / 8
    guard offset >= 0, offset <= bytes.count - byteCount else { return 0 }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  func isZero(_ range: Range<Int>) -> Bool {
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return false }
    return bytes[range].allSatisfy { $0 == 0 }
  }
}
