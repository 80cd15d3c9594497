"""Understanding callers: intents, slots, knowledge answers, and the trainer's loop.

phrasebook   config/intents.yaml with positions        recogniser   what the web path uses: text in, Understanding out
training     phrases in, model version out             evaluation   figures on held-out phrases
shelf        versions on disk: activate, roll back     checks       `ivr intents lint`
slots/       numbers, dates, names heard in speech     answers      config/answers.yaml searched by meaning
inbox        what was not understood, grouped          languages/   words of each language (data, no code)
"""
