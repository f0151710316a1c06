// WordNet's files in small.
#pragma once

#include <string>

#include "hemiola/data/test_files.h"

namespace hemiola::test {

// animal, dog (the noun), Rex, to dog, to follow, doggy, waggy.
class SmallWordnet {
 public:
  SmallWordnet() {
    write("data.noun", nouns());
    write("data.verb",
          "00000200 38 v 02 dog 0 tag 1 003 + 00000200 n 0101 + 00000200 n 0201 $ 00000300 v 0000 "
          "02 + 01 00 + 02 00 | go behind  \n"
          "00000300 38 v 01 follow 0 000 01 + 01 00 | go behind\n");
    write("data.adj",
          "00000100 00 a 01 doggy(p) 0 001 & 00000150 a 0000 | like a dog  \n"
          "00000150 00 s 01 waggy 0 000 | with a tail\n");
    write("data.adv", "");
    write("index.noun", noun_index());
    write("index.verb",
          "dog v 1 2 @ + 1 0 00000200\nfollow v 1 0 1 0 00000300\ntag v 1 0 1 0 00000200\n");
    write("index.adj", "doggy a 1 1 & 1 0 00000100\nwaggy a 1 0 1 0 00000150\n");
    write("index.adv", "");
  }

  std::string folder() const { return files_.path(""); }
  void write(const std::string& name, const std::string& text) const { files_.write(name, text); }

  static std::string nouns() {
    return "  1 This is the licence.  \n"
           "  2 It is long.  \n"
           "00000100 03 n 01 animal 0 002 ~ 00000200 n 0000 ~ 00000300 n 0000 | it lives  \n"
           "00000200 05 n 02 Dog 0 domestic_dog 0 003 @ 00000100 n 0000 + 00000200 v 0101 "
           "~i 00000300 n 0000 | it barks; \"a | dog\"  \n"
           "00000300 05 n 01 Rex 0 001 @i 00000200 n 0000 | a dog  \n";
  }
  static std::string noun_index() {
    return "  1 This is the licence.  \n"
           "animal n 1 2 @ ~ 1 1 00000100  \n"
           "dog n 2 3 @ + ~i 2 1 00000100 00000200  \n"
           "rex n 1 1 @i 1 0 00000300  \n";
  }

 private:
  TempFolder files_;
};

}  // namespace hemiola::test
