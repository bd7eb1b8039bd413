// `betula inspect`: what a kept image holds.

import ArgumentParser
import EngineCatalogue

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a kept volume holds: superblocks, space, logs, the engine's structure.",
    discussion: """
      Without a section everything is shown. The image is opened for reading only. Exit status: 0 shown; 1 shown, and \
      damaged; 66 no such file; 74 the file system refused.
      """)

  @OptionGroup var image: ImageArguments

  @Flag(help: "Both superblocks, or both directory slots.")
  var superblocks = false

  @Flag(help: "How the bytes are used, and who owns which.")
  var space = false

  @Flag(help: "Logs and their segments.")
  var log = false

  @Flag(help: "The engine's own structure: blocks by level, their fill, what an opening has to do.")
  var engine = false

  @Flag(help: "Files of a file space.")
  var files = false

  func run() throws {
    let (examination, note) = try image.examine()
    var sections: Set<ImagePrinter.Section> = []
    if superblocks { sections.insert(.superblocks) }
    if space { sections.insert(.space) }
    if log { sections.insert(.log) }
    if engine { sections.insert(.engine) }
    if files { sections.insert(.files) }
    let printer = ImagePrinter(
      examination, note: note, sections: sections.isEmpty ? Set(ImagePrinter.Section.allCases) : sections)
    print(image.json ? try printer.json() : printer.inspection, terminator: "")
    if !examination.isSound { throw ExitStatus.runFailed }
  }
}

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check every structure and checksum of a kept volume.",
    discussion: """
      Exit status: 0 sound (an image left by a crash is sound: what an opening has to recover is said); 1 something is \
      wrong, each with structure, offset and cause; 66 no such file; 74 the file system refused. The image is opened \
      for reading only.
      """)

  @OptionGroup var image: ImageArguments

  @Flag(
    help:
      "Remarks count as problems: an invalid older superblock, an unfinished directory slot, a torn log frame."
  )
  var strict = false

  func run() throws {
    let (examination, note) = try image.examine()
    let printer = ImagePrinter(examination, note: note, sections: [])
    print(image.json ? try printer.json() : printer.verdict, terminator: "")
    let isSound = strict ? examination.findings.isEmpty : examination.isSound
    if !isSound { throw ExitStatus.runFailed }
  }
}
