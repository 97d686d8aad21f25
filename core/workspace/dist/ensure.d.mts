export {};
//# sourceMappingURL=ensure.d.mts.map