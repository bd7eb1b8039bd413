// The built program as a process of its own, and a folder to run it in.

import Foundation

/// A folder for one test, removed afterwards.
final class Workplace {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/betula-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    // Left behind only when the system refuses, which no test is about.
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
    return path + "/" + name
  }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
  }
}

/// What a process said and how it ended.
struct Ended {
  var status: Int32
  var output: String
  var errors: String
}

/// The program, built beside the test bundle.
let program: URL = {
  let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  return own.deletingLastPathComponent().appendingPathComponent("betula")
}()

/// The repository's folder.
let repository: String = {
  var url = URL(fileURLWithPath: #filePath)
  for _ in 0..<3 { url.deleteLastPathComponent() }
  return url.path
}()

func start(
  _ arguments: [String], in folder: String, environment: [String: String]? = nil
) throws -> (Process, Pipe, Pipe) {
  let process = Process()
  if let environment { process.environment = environment }
  process.executableURL = program
  process.arguments = arguments
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  let output = Pipe()
  let errors = Pipe()
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  return (process, output, errors)
}

func finish(_ started: (Process, Pipe, Pipe)) -> Ended {
  let output = started.1.fileHandleForReading.readDataToEndOfFile()
  let errors = started.2.fileHandleForReading.readDataToEndOfFile()
  started.0.waitUntilExit()
  return Ended(
    status: started.0.terminationStatus, output: String(decoding: output, as: UTF8.self),
    errors: String(decoding: errors, as: UTF8.self))
}

func betula(_ arguments: String..., in place: Workplace) throws -> Ended {
  finish(try start(arguments, in: place.path))
}
