# Build with `docker build -t taskwire .`. `node test/long/container.ts` replays these steps without Docker.

FROM node:24-slim AS generated
WORKDIR /app
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma ./prisma
# npm ci generates the Prisma client into src/generated.
RUN npm ci

FROM node:24-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# @prisma/client names Prisma's command line and TypeScript as optional peers. npm installs those, 300 MB in
# all, as long as package.json asks for them for development.
RUN npm pkg delete devDependencies && npm ci --omit=dev --omit=peer --ignore-scripts
# Removes files that nothing can load:
# - Prisma's query compilers for other databases, the smaller and slower one, and the client for edge platforms:
#   src/generated imports only query_compiler_fast_bg.postgresql.
# - TypeScript, which Node refuses to run below node_modules, and declarations and source maps.
RUN find node_modules/@prisma/client/runtime -type f \
      \( -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.postgresql.*' -o -name 'wasm-compiler-edge.*' \) -delete \
  && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete
COPY src ./src
COPY prisma/migrations ./prisma/migrations
COPY --from=generated /app/src/generated ./src/generated
# The page /redoc needs one file of this development dependency.
COPY --from=generated /app/node_modules/redoc/bundles/redoc.standalone.js /app/node_modules/redoc/bundles/redoc.standalone.js.LICENSE.txt ./src/gateway/docs/
# Starts the server once, as the user of the image, so that the image contains Node's compile cache and the OpenAPI
# document. Without them, each start on a read-only file system would compute both again.
RUN install -d -o node node_modules/.cache/taskwire
ENV DATA_DIR=memory:// NODE_COMPILE_CACHE=/app/node_modules/.cache/taskwire
USER node
RUN --network=none node src/main.ts & server=$!; \
  until node -e "fetch('http://127.0.0.1:4000/api/v1/openapi.json').catch(() => process.exit(1))"; do \
    kill -0 $server || exit 1; sleep 1; \
  done; \
  kill $server && wait $server

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data NODE_COMPILE_CACHE=/app/node_modules/.cache/taskwire
WORKDIR /app
# Owned by root, so that the server cannot change its own code.
COPY --from=production /app ./
RUN install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
