// A file space as it should be: names and arrays of bytes. And a place to hold a space against it.

import Accounting
import Primitives

@testable import Storage

/// What the files should hold.
struct FileModel: Equatable {
  var files: [String: [UInt8]] = [:]
}

/// A device stack with a space on it.
final class FileSpacePlace {
  let stack: DeviceStack
  let channel: IOChannel
  let budget = MemoryBudget(limitByteCount: 8 << 20)
  let configuration: FileSpaceConfiguration
  private(set) var space: FileSpace

  init(
    _ configuration: FileSpaceConfiguration, description: DeviceDescription, image: MemoryDevice? = nil
  ) throws {
    self.configuration = configuration
    stack = try image.map { try DeviceStack(description, reopening: $0) } ?? DeviceStack(description)
    channel = IOChannel(device: stack.top, pool: stack.pool)
    space = try FileSpace(
      channel: channel, budget: budget, configuration: configuration, formats: image == nil)
  }

  func reopen() throws {
    try space.close()
    space = try FileSpace(channel: channel, budget: budget, configuration: configuration, formats: false)
  }

  func file(_ name: String) throws -> SpaceFile {
    guard let file = try space.open(name, creates: true) else { throw StorageError.notFound(what: name) }
    return file
  }

  func write(_ name: String, at offset: Int, _ bytes: [UInt8], _ owner: Attribution = Attribution(.leaf))
    throws
  {
    let file = try file(name)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    try space.write(file, at: UInt64(offset), UnsafeRawBufferPointer(memory), owner)
  }

  func read(_ name: String, at offset: Int, _ count: Int, _ owner: Attribution? = Attribution(.leaf)) throws
    -> [UInt8]
  {
    let file = try file(name)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { memory.deallocate() }
    let got = try space.read(file, at: UInt64(offset), into: memory, owner)
    return Array(memory[..<got])
  }

  /// Everything the space holds.
  func contents() throws -> FileModel {
    var model = FileModel()
    for file in space.files {
      model.files[file.name] = try read(file.name, at: 0, Int(file.byteCount) + 10)
    }
    return model
  }
}

/// A reproducible sequence of draws.
struct Draws {
  let random: CounterRandom
  var index: UInt64 = 0

  init(seed: UInt64) { random = CounterRandom(seed: seed, stream: 0x4653) }

  mutating func next(below bound: Int) -> Int {
    index += 1
    return Int(random.uniform(below: UInt64(bound), index))
  }
}
